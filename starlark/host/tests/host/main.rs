//! Parsing, evaluation, limits and messages.

#![allow(clippy::unwrap_used)]

mod messages;

use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_address::{Label, PackageId, Repo, RepoMapping};
use kiln_base::{Fingerprint, RelPath};
use kiln_diag::Diag;
use kiln_host::starlark::environment::{FrozenModule, GlobalsBuilder};
use kiln_host::starlark::eval::Evaluator;
use kiln_host::{EvalContext, FileScope, Interpreter, Limits, Phase, base_globals};
use kiln_host::{starlark, starlark::starlark_module};
use kiln_targets::{Dialect, SourceText};

#[starlark_module]
fn helpers(builder: &mut GlobalsBuilder) {
    /// The file in which the innermost running function is written.
    fn here<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        let context = EvalContext::of(eval)?;
        Ok(context.innermost(eval).label.to_string())
    }

    /// Fails with a message of ours.
    fn complain<'v>() -> starlark::Result<i32> {
        Err(kiln_host::raise(
            Diag::build("no such thing").hint("try another"),
        ))
    }
}

fn scope(file: &str) -> Arc<FileScope> {
    let package = PackageId::new(Repo::root(), RelPath::new("p").unwrap());
    let mapping = Arc::new(RepoMapping::new(Repo::root()));
    Arc::new(FileScope {
        label: Label::parse(file, &package, &mapping).unwrap(),
        mapping,
        fingerprint: Fingerprint::build("test").text(file).finish(),
    })
}

fn load(
    interpreter: &Interpreter,
    file: &str,
    text: &str,
    loads: &[(&str, &FrozenModule)],
) -> Result<(FrozenModule, Vec<Diag>), Diag> {
    let parsed = interpreter.parse(SourceText {
        path: format!("p/{file}").into(),
        text: text.into(),
        dialect: if file.ends_with(".bzl") {
            Dialect::Bzl
        } else {
            Dialect::Build
        },
    })?;
    let context = EvalContext::new(interpreter, Phase::Bzl, scope(file), ());
    let globals = base_globals().with(helpers).build();
    let module = interpreter.eval_file(&parsed, &globals, loads, &context)?;
    Ok((module, context.take_warnings()))
}

/// Evaluates `a.bzl`, and shows `result`, or the message.
fn check(text: &str, expect: Expect) {
    check_with(Limits::default(), "a.bzl", text, expect);
}

fn check_with(limits: Limits, file: &str, text: &str, expect: Expect) {
    let shown = match load(&Interpreter::new(limits), file, text, &[]) {
        Ok((module, warnings)) => {
            let mut lines: Vec<String> = warnings.iter().map(Diag::render).collect();
            if let Ok(Some(value)) = module.get_option("result") {
                lines.push(value.value().to_repr());
            }
            lines.join("\n")
        }
        Err(diag) => diag.render(),
    };
    expect.assert_eq(&shown);
}

#[test]
fn values() {
    check(
        "def f(x, *, y): return x + y\nresult = f(1, y = 2)",
        expect!["3"],
    );
    check(
        "result = json.encode({'a': [1, None]})",
        expect![[r#""{\"a\":[1,null]}""#]],
    );
    check("result = sorted(set([3, 1, 3]))", expect!["[1, 3]"]);
}

#[test]
fn printing_warns_at_the_place() {
    check(
        "def f():\n    print('a', 1, sep = '-')\nf()\nresult = 1",
        expect![[r#"
            warning: a-1
              --> p/a.bzl:2:5
               |
             2 |     print('a', 1, sep = '-')
               |     ^^^^^^^^^^^^^^^^^^^^^^^^
            1"#]],
    );
}

#[test]
fn scopes_are_lexical() {
    let interpreter = Interpreter::default();
    let text = "def where(): return here()\ndef call(f): return f()\nresult = here()";
    let (a, _) = load(&interpreter, "a.bzl", text, &[]).unwrap();
    let text = "load(':a.bzl', 'where', 'call')\n\
                def own(): return here()\n\
                result = [where(), own(), call(own), call(where), here(), call(lambda: here())]";
    let (b, _) = load(&interpreter, "b.bzl", text, &[(":a.bzl", &a)]).unwrap();
    drop(a);
    expect![[r#"["//p:a.bzl", "//p:b.bzl", "//p:b.bzl", "//p:a.bzl", "//p:b.bzl", "//p:b.bzl"]"#]]
        .assert_eq(&b.get("result").unwrap().value().to_repr());
}
