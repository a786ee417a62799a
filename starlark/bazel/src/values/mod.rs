//! The values that rules compute with.

pub(crate) mod args;
pub(crate) mod args_set;
pub(crate) mod depset;
pub(crate) mod depset_order;
pub(crate) mod file;
pub(crate) mod provider;
pub(crate) mod runfiles;
pub(crate) mod structs;
pub(crate) mod target;
pub(crate) mod transient;
