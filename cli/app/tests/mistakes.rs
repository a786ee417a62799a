//! Mistakes of users: the right place, the true cause and a cure.

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

fn check(files: &str, command_line: &str, expect: Expect) {
    let workspace = Workspace::with(KILN, files);
    expect.assert_eq(&workspace.kiln(command_line).show());
}

#[test]
fn build_files() {
    check("//- BUILD\ncc_library(name = \"x\",, )\n", "build //...", expect![""]);
    check("//- BUILD\ncc_libary(name = \"x\")\n", "build //...", expect![""]);
    check("//- BUILD\ncc_library(name = \"x\", hrds = [])\n", "build //...", expect![""]);
    check("//- BUILD\ncc_library(name = \"x\", srcs = 3)\n", "build //...", expect![""]);
    check("//- BUILD\nfilegroup(name = \"x\")\nfilegroup(name = \"x\")\n", "build //...", expect![""]);
    check("//- BUILD\nload(\":nowhere.bzl\", \"f\")\n", "build //...", expect![""]);
    check("//- BUILD\nload(\"@nowhere//:x.bzl\", \"f\")\n", "build //...", expect![""]);
}

#[test]
fn labels() {
    check("//- BUILD\nfilegroup(name = \"x\", srcs = [\":misspelt\"])\nfilegroup(name = \"mispelt\")\n", "build //:x", expect![""]);
    check("//- BUILD\nfilegroup(name = \"x\", srcs = [\"//no/such:y\"])\n", "build //:x", expect![""]);
    check("//- BUILD\nfilegroup(name = \"x\", srcs = [\"missing.txt\"])\n", "build //:x", expect![""]);
    check("//- BUILD\nfilegroup(name = \"x\")\n", "build //:z", expect![""]);
    check("//- BUILD\nfilegroup(name = \"x\")\n", "build //no/such/...", expect![""]);
    check("//- BUILD\nfilegroup(name = \"a\", srcs = [\":b\"])\nfilegroup(name = \"b\", srcs = [\":a\"])\n", "build //:a", expect![""]);
    check("//- a/BUILD\nfilegroup(name = \"a\")\n//- BUILD\nfilegroup(name = \"x\", srcs = [\"//a\"])\n", "build //:x", expect![""]);
}

#[test]
fn actions() {
    check("//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"echo broken >&2; exit 2\")\n", "build //:x", expect![""]);
    check("//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"true\")\n", "build //:x", expect![""]);
    check("//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"cat secret.txt > $@\")\n//- secret.txt\ns\n", "build //:x", expect![""]);
    check("//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"echo > elsewhere.txt\")\n", "build //:x", expect![""]);
    check("//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"no-such-tool > $@\")\n", "build //:x", expect![""]);
    check("//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"echo $(NOPE) > $@\")\n", "build //:x", expect![""]);
}

#[test]
fn configurations() {
    check("//- BUILD\nconfig_setting(name = \"opt\", values = {\"compilation_mode\": \"opt\"})\nfilegroup(name = \"x\", srcs = select({\":opt\": []}))\n", "build //:x", expect![""]);
    check("//- BUILD\nfilegroup(name = \"x\", target_compatible_with = [\"@platforms//os:windows\"])\n", "build //:x", expect![""]);
}

#[test]
fn command_lines() {
    check("//- BUILD\n", "biuld //...", expect![""]);
    check("//- BUILD\n", "build --compilation_mod=opt //...", expect![""]);
    check("//- BUILD\n", "build -c fast //...", expect![""]);
    check("//- BUILD\n", "build", expect![""]);
    check("//- BUILD\n", "rules explain GoalReprot", expect![""]);
}
