//! Packages inherit `__defaults__`, and run again only when these change (BLD-091).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

#[path = "common/world.rs"]
mod world;

use std::fs;

use expect_test::expect;
use world::World;

/// A rule whose output's name is its text.
const DEFS: &str = r#"
def _named(ctx):
    out = ctx.actions.declare_file(ctx.attr.text + ".out")
    ctx.actions.run_shell(inputs = [], outputs = [out], command = "true")
    return DefaultInfo(files = depset([out]))

named = rule(implementation = _named, attrs = {"text": attr.string()})
"#;

const LEAF: &str = "load(\"//:defs.bzl\", \"named\")\nnamed(name = \"t\")\n";

fn calls(text: &str) -> String {
    format!("load(\"//:defs.bzl\", \"named\")\n__defaults__({{named: {{\"text\": \"{text}\"}}}})\n")
}

/// Builds the target at the bottom, and says which rules ran for it and what its output is called.
async fn build(world: &World) -> String {
    let rules = ["package", "package_defaults", "analyzed"];
    let before = rules.map(|rule| world.times(rule));
    let built = world
        .build(&world.engine.session(), "//a/b/c:t")
        .await
        .unwrap();
    let after = rules.map(|rule| world.times(rule));
    let ran = rules.iter().zip(before).zip(after);
    let ran: Vec<String> = ran
        .map(|((rule, before), after)| format!("{rule} {}", after - before))
        .collect();
    let kiln_rules_core::build::Built::Ready(target) = &*built else {
        panic!("not built");
    };
    let nodes = target.nodes();
    let outputs: Vec<String> = nodes
        .iter()
        .map(|(path, _)| path.rsplit('/').next().unwrap().to_owned())
        .collect();
    format!("{}: {}", outputs.join(" "), ran.join(", "))
}

fn write(world: &World, path: &str, text: &str) {
    let path = world.root().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    world.engine.invalidate(&["dir_entries", "file_text"]);
}

#[tokio::test]
async fn an_edit_above_that_leaves_defaults_equal_evaluates_nothing_below() {
    let world = World::new(&[("defs.bzl", DEFS), ("BUILD.bazel", &calls("root"))]);
    write(&world, "a/BUILD.bazel", "filegroup(name = \"unused\")\n");
    write(&world, "a/b/other.txt", "no package\n");
    write(&world, "a/b/c/BUILD.bazel", LEAF);
    // The package and that at the root; `a` says nothing and is not evaluated.
    expect!["root.out: package 2, package_defaults 3, analyzed 1"].assert_eq(&build(&world).await);

    // The root is evaluated again, and that is all.
    let edited = format!("{}filegroup(name = \"new\")\n", calls("root"));
    write(&world, "BUILD.bazel", &edited);
    expect!["root.out: package 1, package_defaults 1, analyzed 0"].assert_eq(&build(&world).await);

    // A package in between that says nothing of it: nothing is evaluated.
    write(&world, "a/BUILD.bazel", "filegroup(name = \"used\")\n");
    expect!["root.out: package 0, package_defaults 1, analyzed 0"].assert_eq(&build(&world).await);

    // Other defaults.
    write(&world, "BUILD.bazel", &calls("changed"));
    expect!["changed.out: package 2, package_defaults 3, analyzed 1"]
        .assert_eq(&build(&world).await);

    // A nearer folder.
    write(&world, "a/b/BUILD.bazel", &calls("near"));
    expect!["near.out: package 2, package_defaults 1, analyzed 1"].assert_eq(&build(&world).await);
}

/// Who has no `__defaults__` evaluates no package for it.
#[tokio::test]
async fn without_defaults_no_package_above_is_evaluated() {
    let world = World::new(&[
        ("defs.bzl", DEFS),
        ("BUILD.bazel", "fail(\"not evaluated\")"),
    ]);
    let leaf = LEAF.replace("\"t\"", "\"t\", text = \"own\"");
    write(&world, "a/b/c/BUILD.bazel", &leaf);
    expect!["own.out: package 1, package_defaults 3, analyzed 1"].assert_eq(&build(&world).await);
}

#[tokio::test]
async fn a_folder_above_that_fails_says_who_inherits() {
    let world = World::new(&[
        ("defs.bzl", DEFS),
        ("BUILD.bazel", "__defaults__({\"no\": {}})"),
    ]);
    write(&world, "a/b/c/BUILD.bazel", LEAF);
    let error = world.build(&world.engine.session(), "//a/b/c:t").await;
    expect![[r#"
        error: there is no rule `no`
          --> BUILD.bazel:1:1
           |
         1 | __defaults__({"no": {}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^
           = packages below `//` inherit its `__defaults__`
        hint: rules of .bzl files are given as what is loaded, without quotation marks"#]]
    .assert_eq(&error.unwrap_err().render());
}
