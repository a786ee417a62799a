//! Definitions: `rule`, `attr`, `provider`, and what goes with them.

pub(crate) mod attr;
pub(crate) mod build_setting;
pub(crate) mod common;
pub(crate) mod define;
pub(crate) mod inert;
pub(crate) mod late;
pub(crate) mod macros;
pub(crate) mod providers;
pub(crate) mod read;
pub(crate) mod spec;
pub(crate) mod toolchain_type;
pub(crate) mod value;

pub(crate) use value::{class_of, classes_of};
