//! Evaluating BUILD and .bzl files.

#![allow(clippy::unwrap_used, unused_qualifications)]

mod defaults;
mod errors;
mod function_errors;
mod fuzz;
mod modules;
mod packages;
mod parametrize;
mod rules;
mod selects;
mod world;
