//! The rules of the prelude, as users have them: BUILD files in, actions and providers out.

#[path = "../harness/mod.rs"]
mod harness;

mod cc;
mod cc_common;
mod cc_flags;
mod cc_headers;
mod cc_link;
mod files;
mod genrule;
mod launcher;
mod prelude_targets;
mod python;
mod skylib_lib;
mod skylib_rules;
mod world;
