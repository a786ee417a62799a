//! The embedded prelude: its table, and that its files parse and load only what is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo, RepoMapping};
use kiln_base::RelPath;
use kiln_bazel::prelude::{self, PreludeFile};
use kiln_host::{Interpreter, Limits};
use kiln_targets::{Dialect, Parsed, SourceText};

fn all_files() -> impl Iterator<Item = &'static PreludeFile> {
    prelude::repositories().flat_map(prelude::files)
}

fn mapping(repository: &str) -> RepoMapping {
    let mut mapping = RepoMapping::new(Repo::new(repository));
    for name in prelude::repositories() {
        mapping.insert(name, Repo::new(name));
    }
    mapping
}

fn is_build_file(file: &PreludeFile) -> bool {
    file.path == "BUILD.bazel" || file.path.ends_with("/BUILD.bazel")
}

/// Parses a file if it is Starlark.
fn parse(interpreter: &Interpreter, file: &PreludeFile) -> Option<Parsed> {
    let dialect = match file {
        file if is_build_file(file) => Dialect::Build,
        file if file.path.ends_with(".bzl") => Dialect::Bzl,
        _ => return None,
    };
    let source = SourceText {
        path: format!("@{}//{}", file.repository, file.path).into(),
        text: file.text.into(),
        dialect,
    };
    Some(
        interpreter
            .parse(source)
            .unwrap_or_else(|diag| panic!("{}/{}: {}", file.repository, file.path, diag.message())),
    )
}

fn package(file: &PreludeFile) -> PackageId {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    PackageId::new(
        Repo::new(file.repository),
        RelPath::new(folder).expect("paths of the prelude are normalized"),
    )
}

#[test]
fn the_prelude_answers_for_these_repositories() {
    let repositories: Vec<_> = prelude::repositories().collect();
    assert_eq!(
        repositories,
        [
            "bazel_features",
            "bazel_skylib",
            "bazel_tools",
            "kiln_builtins",
            "platforms",
            "rules_cc",
            "rules_license",
            "rules_python",
            "rules_shell",
        ]
    );
    assert!(!prelude::has_repository("rules"));
    assert!(!prelude::has_repository(""));
}

#[test]
fn every_file_is_found_by_its_name() {
    let mut seen = BTreeSet::new();
    for file in all_files() {
        assert_eq!(prelude::file(file.repository, file.path), Some(file));
        assert!(seen.insert((file.repository, file.path)));
    }
    assert_eq!(prelude::file("rules_cc", "cc/none.bzl"), None);
    assert_eq!(prelude::file("none", "cc/defs.bzl"), None);
    assert!(prelude::file(prelude::BUILTINS, prelude::EXPORTS).is_some());
}

#[test]
fn every_load_names_a_file_of_a_package_of_the_prelude() {
    let interpreter = Interpreter::new(Limits::default());
    for file in all_files() {
        let Some(parsed) = parse(&interpreter, file) else {
            continue;
        };
        let package = package(file);
        for load in &parsed.loads {
            let label = Label::parse(&load.module, &package, &mapping(file.repository))
                .unwrap_or_else(|error| panic!("{}: {error}", load.span));
            let repository = label.repo().as_str();
            let target = prelude::file(repository, label.file_path().as_str());
            assert!(
                target.is_some(),
                "{}: `{}` is not there",
                load.span,
                load.module
            );
            let folder = label.package().path.as_str();
            let build = if folder.is_empty() {
                "BUILD.bazel".to_owned()
            } else {
                format!("{folder}/BUILD.bazel")
            };
            assert!(
                prelude::file(repository, &build).is_some(),
                "no {repository}//{build}"
            );
            // What `native` is made of must not need `native`.
            if file.repository == prelude::BUILTINS && !is_build_file(file) {
                assert_eq!(repository, prelude::BUILTINS, "{}", load.span);
            }
        }
    }
}

#[test]
fn the_host_is_a_processor_of_the_platforms() {
    let file = prelude::file("platforms", "host/constraints.bzl").expect("it is embedded");
    let cpu = std::env::consts::ARCH;
    assert!(
        file.text.contains(&format!("\"@platforms//cpu:{cpu}\"")),
        "{}",
        file.text
    );
    let cpus = prelude::file("platforms", "cpu/BUILD.bazel").expect("it is embedded");
    assert!(cpus.text.contains(&format!("\"{cpu}\"")));
}

#[test]
fn registered_toolchains_are_in_packages_of_the_prelude() {
    let root = PackageId::new(Repo::root(), RelPath::new("").expect("the root is a path"));
    let mapping = Arc::new(mapping(""));
    for text in prelude::TOOLCHAINS {
        let label = Label::parse(text, &root, &mapping).expect("labels");
        let build = format!("{}/BUILD.bazel", label.package().path.as_str());
        let file = prelude::file(label.repo().as_str(), &build).expect("the package is there");
        assert!(file.text.contains(&format!("name = \"{}\"", label.name())));
    }
}
