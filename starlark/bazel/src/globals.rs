//! What .bzl files see besides what kiln-build gives them.

use crate::interp::*;
use crate::rule::{attr, build_setting, define, inert, late, macros};
use crate::values::{depset, provider, structs};
use crate::{coverage, json, providers};

/// Adds it.
pub(crate) fn extend(builder: &mut GlobalsBuilder) {
    structs::globals(builder);
    depset::globals(builder);
    define::globals(builder);
    provider::globals(builder);
    late::globals(builder);
    inert::globals(builder);
    macros::globals(builder);
    providers::globals(builder);
    builder.namespace("attr", attr::module);
    builder.namespace("json", json::module);
    builder.namespace("coverage_common", coverage::module);
    builder.namespace("config", |builder| {
        build_setting::config(builder);
        inert::config(builder);
    });
}
