//! How long analysis takes: `cargo run --release -p kiln-bazel --example analyze_many [TARGETS]`.
//!
//! Loads packages with many targets of one rule each, analyzes each target once with its
//! dependencies at hand, and prints microseconds of CPU a target and bytes of frozen values.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/harness/mod.rs"]
mod harness;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use harness::World;
use kiln_targets::{Dep, Target};

const RULES: &str = r#"
Info = provider(fields = ["names", "files"])

def _nothing(ctx):
    return []

def _simple(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".out")
    args = ctx.actions.args()
    args.add("-o", out)
    args.add_all(ctx.files.srcs)
    ctx.actions.run(
        outputs = [out],
        inputs = ctx.files.srcs,
        executable = "/usr/bin/cc",
        arguments = [args],
        mnemonic = "Simple",
    )
    infos = [dep[Info] for dep in ctx.attr.deps]
    return [
        DefaultInfo(files = depset([out])),
        Info(
            names = depset([ctx.label.name], transitive = [info.names for info in infos]),
            files = depset([out], transitive = [info.files for info in infos]),
        ),
    ]

nothing = rule(_nothing)
simple = rule(_simple, attrs = {
    "srcs": attr.label_list(allow_files = True),
    "deps": attr.label_list(providers = [Info]),
})
"#;

fn main() {
    let count = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(10_000);
    measure("nothing", count, |_, _| String::new());
    measure("simple, 1 source, 2 dependencies", count, |n, deps| {
        format!("srcs = [\"s.c\"], deps = {}", near(n, deps, "simple"))
    });
    measure("filegroup, 3 sources", count, |_, _| {
        "srcs = [\"s.c\", \"s.h\", \"t.h\"]".to_owned()
    });
    measure("cc_library, 1 source, 2 dependencies", count, |n, deps| {
        format!(
            "srcs = [\"s.c\"], hdrs = [\"s.h\"], deps = {}",
            near(n, deps, "cc_library")
        )
    });
    measure("genrule", count, |n, _| {
        format!("outs = [\"g{n}.txt\"], srcs = [\"s.c\"], cmd = \"cat $< > $@\"")
    });
}

/// Two targets a little before this one; chains are as deep as in a real repository.
fn near(n: usize, depth: usize, _rule: &str) -> String {
    let before = [n.wrapping_sub(1), n.wrapping_sub(7)];
    let in_chain = |other: &usize| *other < n && other / depth == n / depth;
    let labels: Vec<String> = before
        .iter()
        .filter(|other| in_chain(other))
        .map(|other| format!("\":t{other}\""))
        .collect();
    format!("[{}]", labels.join(", "))
}

fn measure(what: &str, count: usize, arguments: impl Fn(usize, usize) -> String) {
    let rule = what.split([',', ' ']).next().unwrap();
    let mut build = String::from("load(\":d.bzl\", \"nothing\", \"simple\")\n");
    for n in 0..count {
        writeln!(build, "{rule}(name = \"t{n}\", {})", arguments(n, 50)).unwrap();
    }
    let mut world = World::with_prelude("");
    world.add("", "BUILD", &build);
    world.add("", "d.bzl", RULES);
    for file in ["s.c", "s.h", "t.h"] {
        world.add("", file, "");
    }
    let root = world.label("//:t0").package().clone();
    let loading = Instant::now();
    let package = world.package(&root).unwrap();
    let loaded = loading.elapsed();
    let configuration = world.configuration.clone();
    let mut spent = std::time::Duration::ZERO;
    let mut actions = 0;
    for n in 0..count {
        let Some(Target::Rule(def)) = package.targets.get(&*format!("t{n}")).cloned() else {
            panic!("no such target");
        };
        // Dependencies first, so that only this target's own analysis is measured.
        let inputs = world.inputs(&def, &configuration).unwrap();
        let start = Instant::now();
        let target = inputs
            .analyze(&world, &def, &package, &configuration, None)
            .unwrap();
        spent += start.elapsed();
        actions += target.actions.len();
        world.put(&def.label, &configuration, Arc::new(target));
    }
    // Keeps the last one alive until here.
    let last = world
        .dep(&root.target("t0").unwrap(), &configuration)
        .unwrap();
    assert!(matches!(last, Dep::Target(_)));
    println!(
        "{what}: {count} targets, {actions} actions: loading {:.1} us a target, analysis {:.1} us a target",
        loaded.as_secs_f64() * 1e6 / count as f64,
        spent.as_secs_f64() * 1e6 / count as f64,
    );
}
