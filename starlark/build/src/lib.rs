//! BUILD, .bzl, MODULE.bazel and WORKSPACE files: text in, plain data out.
//!
//! What it is not: it knows no rule. Rules are values that kiln-bazel makes; when one is called in
//! a BUILD file, it calls [`declare_target`]. It reads no file: `glob` asks the caller's
//! [`kiln_targets::PackageIo`].
//!
//! # What a file sees
//!
//! | file | symbols |
//! | --- | --- |
//! | .bzl | the language, `Label`, `select`, `visibility`, `native`, and what the extension given to [`Loader::new`] adds (`rule`, `attr`, `struct`, …) |
//! | BUILD | the language, `Label`, `select`, `__defaults__`, the functions of this crate (`package`, `glob`, …), and the public symbols of the natives |
//!
//! `native` has the functions of this crate and the public symbols of the natives: the prelude's
//! file that every request names. The symbol tables are made once for each natives module.
//!
//! # Invariants
//!
//! - Label strings in .bzl files (`Label("//x")`, attribute defaults) are relative to the file
//!   they are written in; those given to rules and native functions are relative to the BUILD
//!   file, whoever passes them on.
//! - Nothing named in a visibility list or in a `select` is loaded here.
//! - `package()` counts for all targets of a file, wherever it stands.

mod argument;
mod coerce;
mod combinations;
mod defaults;
mod existing;
mod extension;
mod glob;
mod label;
mod literal;
mod load_visibility;
mod loader;
mod locate;
mod module;
mod natives;
mod outputs;
mod package;
mod parametrize;
mod select;
mod target;
mod visibility;
mod workspace;

pub use coerce::{LabelContext, attr_value};
pub use label::{LabelValue, canonical_text};
pub use loader::frozen_module;
pub use loader::{BzlModule, Loader, LoaderOptions};
pub use outputs::template_outputs;
pub use package::{ClassOf, PackageState};
pub use select::SelectValue;
pub use target::{declare_target, declare_with};
