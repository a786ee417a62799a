//! All targets of the prelude's own packages.

use kiln_address::{PackageId, Repo};
use kiln_base::RelPath;
use kiln_bazel::prelude;
use kiln_targets::{RuleKind, Target};

use crate::world::world;

#[test]
fn every_target_analyzes_and_every_bzl_file_loads() {
    let mut world = world("");
    let mut targets = 0;
    for repository in prelude::repositories() {
        for file in prelude::files(repository) {
            let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let id = PackageId::new(Repo::new(repository), RelPath::new(folder).expect("a path"));
            if file.path.ends_with(".bzl") {
                let name = file.path.rsplit('/').next().unwrap_or_default();
                let label = id.target(name).expect("a label");
                world
                    .bzl(&label)
                    .unwrap_or_else(|diag| panic!("{label}: {}", diag.render()));
            }
            if !file.path.ends_with("BUILD.bazel") {
                continue;
            }
            let package = world
                .package(&id)
                .unwrap_or_else(|diag| panic!("{}", diag.render()));
            for target in package.targets.values() {
                let Target::Rule(def) = target else { continue };
                if matches!(def.rule.kind, RuleKind::Builtin(_)) {
                    continue;
                }
                let label = format!("@@{}", def.label.to_string().trim_start_matches('@'));
                world
                    .analyze(&label)
                    .unwrap_or_else(|diag| panic!("{}", diag.render()));
                targets += 1;
            }
        }
    }
    assert!(targets > 50, "{targets}");
}
