//! Whole analyses: files in, providers and actions out.

mod harness;

use expect_test::{Expect, expect};
use harness::{World, describe};

/// Analyzes `//:x`.
fn check(files: &str, expect: Expect) {
    let mut world = World::new(files);
    expect.assert_eq(&match world.analyze("//:x") {
        Ok(target) => describe(&target),
        Err(diag) => diag.render() + "\n",
    });
}

#[test]
fn a_file_is_written() {
    check(
        r#"
=== d.bzl
Info = provider(fields = ["text"])

def _impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.write(out, ctx.attr.text)
    return [DefaultInfo(files = depset([out])), Info(text = ctx.attr.text)]

text = rule(_impl, attrs = {"text": attr.string(mandatory = True)})
=== BUILD
load(":d.bzl", "text")
text(name = "x", text = "hello")
"#,
        expect![[r#"
            files: kiln-out/fastbuild/bin/x.txt
            provider: Info(text = "hello")
            FileWrite -> kiln-out/fastbuild/bin/x.txt
              content: "hello"
        "#]],
    );
}
