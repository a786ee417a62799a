//! To be written.

pub mod prelude;
