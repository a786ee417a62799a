//! The end-to-end harness: a workspace in a temporary folder, a store of its own, and the `kiln`
//! binary run in it.
//!
//! What it is not: nothing of the product depends on it.
