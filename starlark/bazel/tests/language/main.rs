//! The language of rules, from .bzl files to providers and actions.

#[path = "../harness/mod.rs"]
mod harness;

mod actions;
mod analysis;
mod args;
mod checks;
mod definitions;
mod depsets;
mod kinds;
mod places;
mod runfiles;
mod threads;
mod values;

use expect_test::Expect;
use harness::{World, describe};

/// Loads `d.bzl` with this text and shows what it prints, or the error.
fn prints(text: &str, expect: Expect) {
    expect.assert_eq(&printed(text));
}

fn printed(text: &str) -> String {
    let mut world = World::new("");
    world.add("", "d.bzl", text);
    let label = world.label("//:d.bzl");
    match world.bzl(&label) {
        Ok(bzl) => {
            let lines = bzl
                .warnings
                .iter()
                .map(|warning| format!("{}\n", warning.message()));
            lines.collect()
        }
        Err(diag) => diag.render() + "\n",
    }
}

/// Analyzes `//:x` of a world.
fn analyzed(world: &mut World) -> String {
    match world.analyze("//:x") {
        Ok(target) => describe(&target),
        Err(diag) => diag.render() + "\n",
    }
}

/// Analyzes `//:x` of these files.
fn check(files: &str, expect: Expect) {
    expect.assert_eq(&analyzed(&mut World::new(files)));
}

/// Analyzes `x`, a target of a rule with this body and these attributes; BUILD has `build` too.
fn check_body(body: &str, attrs: &str, arguments: &str, build: &str, expect: Expect) {
    let body = body.trim_matches('\n');
    let files = format!(
        "=== d.bzl\ndef _impl(ctx):\n{body}\n\nmine = rule(_impl, attrs = {{{attrs}}})\n\
         === a.txt\n=== b.txt\n=== c.cc\n\
         === BUILD\nload(\":d.bzl\", \"mine\")\n{build}\nmine(name = \"x\", {arguments})\n"
    );
    check(&files, expect);
}
