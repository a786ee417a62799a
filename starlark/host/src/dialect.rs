//! The two languages: that of .bzl files and that of BUILD files.

use kiln_targets::Dialect as Kind;
use starlark::syntax::{Dialect, DialectTypes};

/// .bzl files: Bazel's Starlark. No types, no f-strings, loaded names are not passed on, and
/// statements other than assignments, calls and definitions belong into functions.
pub const BZL: Dialect = Dialect {
    enable_def: true,
    enable_lambda: true,
    enable_load: true,
    enable_keyword_only_arguments: true,
    enable_positional_only_arguments: false,
    enable_types: DialectTypes::Disable,
    enable_load_reexport: false,
    enable_top_level_stmt: false,
    enable_f_strings: false,
    _non_exhaustive: (),
};

/// BUILD and MODULE.bazel files: as .bzl files, without functions.
pub const BUILD: Dialect = Dialect {
    enable_def: false,
    enable_lambda: false,
    ..BZL
};

/// MODULE.bazel files: as BUILD files, without `load`.
pub const MODULE: Dialect = Dialect {
    enable_load: false,
    ..BUILD
};

/// The function that `a | b` calls in files that mention `select`. The interpreter asks only the
/// left operand what `|` means, and a dictionary knows nothing of selects.
pub const UNION: &str = "_union";

pub(crate) fn dialect(kind: Kind) -> &'static Dialect {
    match kind {
        Kind::Build => &BUILD,
        Kind::Module => &MODULE,
        // WORKSPACE files may contain what they like: only names are taken from them.
        Kind::Bzl | Kind::Workspace => &BZL,
    }
}

/// What messages call a file of a language.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Bzl => ".bzl files",
        Kind::Build => "BUILD files",
        Kind::Module => "MODULE.bazel files",
        Kind::Workspace => "WORKSPACE files",
    }
}
