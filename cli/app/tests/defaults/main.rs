//! `__defaults__` (BLD-090 … BLD-098), and the forms of `parametrize` (BLD-073 … BLD-082).

mod groups;
mod mistakes;
mod values;

use expect_test::Expect;
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// A rule that shows its attributes.
const RULE: &str = r#"
def _show(ctx):
    print("%s: text=%s list=%s dict=%s flag=%s deps=%s" % (
        ctx.label.name,
        ctx.attr.text,
        ctx.attr.list,
        ctx.attr.dict,
        ctx.attr.flag,
        [dep.label.name for dep in ctx.attr.deps],
    ))

ATTRS = {
    "text": attr.string(default = "own"),
    "list": attr.string_list(),
    "dict": attr.string_dict(),
    "flag": attr.bool(),
    "deps": attr.label_list(),
}
show = rule(implementation = _show, attrs = ATTRS)
other = rule(implementation = _show, attrs = dict(ATTRS, more = attr.string(values = ["a", "b"])))

def macro(name, **kwargs):
    show(name = name, **kwargs)
"#;

fn workspace(files: &str) -> Workspace {
    let workspace = Workspace::with(KILN, files);
    workspace.write("rules/BUILD", "");
    workspace.write("rules/show.bzl", RULE);
    workspace
}

/// What the rules of these files show, sorted.
fn check(files: &str, expected: Expect) {
    let output = workspace(files).kiln("build //...");
    let mut lines: Vec<&str> = output
        .stderr
        .lines()
        .filter_map(|line| line.split_once(": ").map(|(_, rest)| rest))
        .filter(|line| line.contains(": text="))
        .collect();
    lines.sort_unstable();
    match output.code {
        Some(0) => expected.assert_eq(&lines.join("\n")),
        _ => expected.assert_eq(&output.show()),
    }
}

/// What is said of a mistake in `BUILD`.
fn mistake(build: &str, expected: Expect) {
    let build = format!("load(\"//rules:show.bzl\", \"macro\", \"other\", \"show\")\n{build}");
    let output = workspace(&format!("//- BUILD\n{build}\n")).kiln("build //:all");
    expected.assert_eq(&output.show());
}
