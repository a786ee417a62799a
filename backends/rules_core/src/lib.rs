//! The typed rules that every repository needs: repositories, packages, analysis, artifacts,
//! actions, tests and the goals over them.
//!
//! What it is not: it names no interpreter, no sandbox and no terminal; those are services.
//! Language rules are Starlark, in the prelude.
//!
//! Invariants: all reading of sources goes through the leaves in [`files`]; an action runs from
//! bytes that were captured in the store before its key was computed; a goal reads nothing that
//! it did not Get.

mod absent;
mod actions;
pub mod analysis;
mod arguments;
pub mod artifacts;
pub mod build;
mod command_line;
mod cycle;
pub mod defaults;
mod dependency_file;
pub mod environments;
mod failure;
pub mod files;
pub mod fit;
pub mod goals;
pub mod keys;
mod links;
pub mod members;
mod narrow;
mod outputs;
pub mod packages;
pub mod path_filter;
pub mod patterns;
mod printed;
pub mod query;
pub mod race;
mod repo_mapping;
pub mod repos;
pub mod restore;
mod rewind;
mod select;
pub mod services;
mod settings;
mod spawn;
pub mod status;
pub mod targets;
pub mod test;
pub mod test_filters;
pub mod toolchains;
mod tools;
mod undeclared;
mod workspace_sources;

use kiln_rules::{QueryDef, RuleDef};
use kiln_targets::Configuration;

use environments::EnvironmentOptions;
use keys::{RepoOptions, TargetKey};

/// All rules.
pub fn rules() -> Vec<&'static RuleDef> {
    [
        actions::rules(),
        analysis::rules(),
        artifacts::rules(),
        build::rules(),
        defaults::rules(),
        environments::rules(),
        files::rules(),
        fit::rules(),
        goals::rules(),
        packages::rules(),
        patterns::rules(),
        query::rules(),
        repos::rules(),
        restore::rules(),
        settings::rules(),
        targets::rules(),
        test::rules(),
        toolchains::rules(),
        tools::rules(),
        workspace_sources::rules(),
    ]
    .concat()
}

/// All questions that commands ask.
pub fn queries() -> Vec<QueryDef> {
    vec![
        QueryDef::of::<patterns::Selected, (patterns::Selection, RepoOptions)>(),
        QueryDef::of::<
            goals::GoalReport,
            (
                goals::GoalRequest,
                Configuration,
                EnvironmentOptions,
                RepoOptions,
            ),
        >(),
        QueryDef::of::<
            restore::Restored,
            (
                restore::RestoreKey,
                Configuration,
                EnvironmentOptions,
                RepoOptions,
            ),
        >(),
        QueryDef::of::<environments::Chosen, environments::EnvironmentQuery>(),
        QueryDef::of::<environments::Declared, environments::EnvironmentQuery>(),
        QueryDef::of::<
            fit::FitReport,
            (
                fit::FitRequest,
                Configuration,
                EnvironmentOptions,
                RepoOptions,
            ),
        >(),
        QueryDef::of::<query::QueryAnswer, (query::QueryRequest, RepoOptions)>(),
        QueryDef::of::<packages::Package, (keys::PackageKey, RepoOptions)>(),
        QueryDef::of::<packages::NativeRules, (RepoOptions,)>(),
        QueryDef::of::<targets::LoadedTarget, (TargetKey, RepoOptions)>(),
        QueryDef::of::<toolchains::PlatformConstraints, (toolchains::PlatformKey, RepoOptions)>(),
        QueryDef::of::<repos::Repositories, (RepoOptions,)>(),
    ]
}
