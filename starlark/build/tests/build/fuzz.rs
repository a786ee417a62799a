//! Whatever a file contains, loading it gives a result or a message.

use std::sync::OnceLock;

use kiln_diag::Diag;
use kiln_targets::{Dialect, SourceText};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::world::World;

/// Pieces of files, joined at random: far more often almost right than random characters are.
const PIECES: &[&str] = &[
    "thing(",
    "gen(",
    "name = ",
    "srcs = ",
    "deps = ",
    "texts = ",
    "outs = ",
    "'a'",
    "\"//p:b\"",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ":",
    "\n",
    "\n    ",
    "\n\t",
    "select(",
    "glob(",
    "package(",
    "def f(x):",
    "lambda x:",
    "return ",
    "for x in ",
    "if ",
    "else ",
    "elif ",
    "not ",
    "in ",
    "load(",
    "'//q:defs.bzl'",
    "x",
    "y",
    "=",
    "+",
    "|",
    "%",
    "*",
    "**",
    "==",
    "1",
    "-1",
    "0x",
    "1e5",
    "99999999999999999999",
    "None",
    "True",
    "'",
    "\"",
    "'''",
    "r'",
    "b'",
    "\\",
    "#",
    ";",
    "@",
    "é",
    "\u{0}",
    "\u{feff}",
    "\r\n",
    "...",
    "->",
    "native.",
    "Label(",
    "struct(",
    "module(",
    "bazel_dep(",
    "use_extension(",
    "use_repo(",
    "e.",
    "visibility(",
    "exports_files(",
    "existing_rules()",
    "package_group(",
    "print(",
    "fail(",
    "range(",
    "len(",
    "str(",
    "repr(",
    ".format(",
    "f'{x}'",
    "type(",
    "sorted(",
    "json.decode(",
    "set(",
    "workspace(",
    "pass",
];

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::default)
}

/// A panic is caught and told; here it is a failure all the same.
fn no_panic<R>(result: Result<R, Diag>) -> Result<R, Diag> {
    result.inspect_err(|diag| {
        assert!(!diag.message().contains("gave up on"), "{}", diag.message());
    })
}

fn load_all(text: &str) {
    let world = world();
    let _ = no_panic(world.build(text, &[("//q:defs.bzl", "x = 1")]));
    let _ = no_panic(world.build("load('//q:d.bzl', 'x')", &[("//q:d.bzl", text)]));
    for dialect in [Dialect::Module, Dialect::Workspace] {
        let parsed = world.loader.parse(SourceText {
            path: "f".into(),
            text: text.into(),
            dialect,
        });
        if let Ok(parsed) = no_panic(parsed) {
            let _ = no_panic(world.loader.module(&parsed));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None,
        rng_seed: RngSeed::Fixed(4), ..ProptestConfig::default() })]

    #[test]
    fn pieces_never_panic(text in pieces()) {
        load_all(&text);
    }

    #[test]
    fn characters_never_panic(text in "\\PC{0,60}") {
        load_all(&text);
    }

    #[test]
    fn attribute_values_never_panic(attr in prop::sample::select(&["srcs", "text", "number", "flag",
        "words", "lists", "labels", "tools", "one", "texts", "numbers", "visibility", "name"][..]),
        value in pieces()) {
        let text = format!("thing(name = 't', {attr} = {value})");
        let _ = no_panic(world().build(&text, &[]));
    }
}

/// Each of these nests as deep as it can; none may overflow the stack of an ordinary thread.
#[test]
fn deep_nesting_is_refused() {
    for depth in [60, 390, 100_000] {
        for (open, middle, close) in [
            ("(", "1", ")"),
            ("[", "", "]"),
            ("{1: ", "1", "}"),
            ("f(", "", ")"),
            ("not ", "x", ""),
            ("-", "1", ""),
            ("~", "1", ""),
            ("1 + ", "1", ""),
            ("x.", "y", ""),
            ("x if y else ", "z", ""),
            ("lambda: ", "1", ""),
            ("[x for x in ", "[]", "]"),
            ("", "x", "[0]"),
            ("", "f", "()"),
            ("x and ", "x", ""),
            ("x or ", "x", ""),
            ("x, (", "x", ")"),
            ("'%s' % ", "1", ""),
            ("x[", "0", ":]"),
            ("x == (", "x", ")"),
            ("f(*", "[]", ")"),
            ("f(a = ", "1", ")"),
        ] {
            load_all(&format!(
                "x = {}{middle}{}",
                open.repeat(depth),
                close.repeat(depth)
            ));
        }
        let blocks: String = (0..depth.min(1_000))
            .map(|n| format!("{}if x:\n", " ".repeat(n + 1)))
            .collect();
        load_all(&format!(
            "def f():\n{blocks}{}pass",
            " ".repeat(depth.min(1_000) + 1)
        ));
        let elifs = "  elif x:\n    pass\n".repeat(depth);
        load_all(&format!("def f(x):\n  if x:\n    pass\n{elifs}"));
    }
}

/// As many calls as are allowed, each as deep in loops as is allowed.
#[test]
fn deep_calls_are_refused() {
    for loops in [0, 10, 60] {
        for call in [
            "g()",
            "[g() for y in [1]]",
            "sorted([1], key = lambda x: g())",
            "{1: [g()]}",
        ] {
            let mut text = "def g():\n".to_owned();
            for n in 0..loops {
                text.push_str(&format!("{}for x in [1]:\n", " ".repeat(n + 1)));
            }
            text.push_str(&format!("{}x = {call}\ng()", " ".repeat(loops + 1)));
            let error = world().bzl("//:x.bzl", &text, &[]).unwrap_err();
            let message = error.message();
            let known = message.contains("active at once") || message.contains("levels deep");
            assert!(known, "{message}");
        }
    }
}

/// A value that is too large for the interpreter is a message, too. (One that is only too large
/// for the machine is noticed after it is made.)
#[test]
fn too_large_values_are_refused() {
    for text in [
        "x = 1 << 100000000",
        "x = range(1 << 60)",
        "x = list(range(1 << 30))",
        "x = json.decode('[' * 100000)",
        "x = []\nx.append(x)\ny = str(x)\nfail('end')",
        "def f():\n  x = []\n  for i in range(1000):\n    x = [x]\n  return x\nx = f() == f()\nfail()",
    ] {
        assert!(world().bzl("//:x.bzl", text, &[]).is_err(), "{text}");
    }
}
