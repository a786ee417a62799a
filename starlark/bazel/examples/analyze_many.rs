//! How long analysis takes: `cargo run --release -p kiln-bazel --example analyze_many [TARGETS]`.
//!
//! Loads packages with many targets of one rule each, analyzes each target once with its
//! dependencies at hand, and prints microseconds of CPU a target, and the memory that the analyzed targets keep.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../tests/harness/mod.rs"]
mod harness;

use std::fmt::Write;
use std::process::Command;

use harness::World;
use kiln_targets::Target;

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

type Arguments = fn(usize) -> String;

const KINDS: [(&str, Arguments); 5] = [
    ("nothing", |_| String::new()),
    ("simple, 1 source, 2 dependencies", |n| {
        format!("srcs = [\"s.c\"], deps = {}", near(n))
    }),
    ("filegroup, 3 sources", |_| {
        "srcs = [\"s.c\", \"s.h\", \"t.h\"]".to_owned()
    }),
    ("cc_library, 1 source, 2 dependencies", |n| {
        format!("srcs = [\"s.c\"], hdrs = [\"s.h\"], deps = {}", near(n))
    }),
    ("genrule", |n| {
        format!("outs = [\"g{n}.txt\"], srcs = [\"s.c\"], cmd = \"cat $< > $@\"")
    }),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().unwrap_or_else(|| "10000".to_owned());
    let Some(kind) = arguments.next() else {
        // Each in a process of its own: memory that one frees would hide what the next one takes.
        for kind in 0..KINDS.len() {
            let program = std::env::current_exe().unwrap();
            let status = Command::new(program)
                .args([&count, &kind.to_string()])
                .status();
            assert!(status.unwrap().success());
        }
        return;
    };
    let (what, of) = KINDS[kind.parse::<usize>().unwrap()];
    measure(what, count.parse().unwrap(), of);
}

/// What this thread has run, by the kernel's count.
fn cpu_nanoseconds() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Memory in use.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Two targets a little before this one, in chains as deep as in a real repository.
fn near(n: usize) -> String {
    let before = [n.wrapping_sub(1), n.wrapping_sub(7)];
    let in_chain = |other: &usize| *other < n && other / 50 == n / 50;
    let labels: Vec<String> = before
        .iter()
        .filter(|other| in_chain(other))
        .map(|other| format!("\":t{other}\""))
        .collect();
    format!("[{}]", labels.join(", "))
}

fn measure(what: &str, count: usize, arguments: Arguments) {
    let rule = what.split([',', ' ']).next().unwrap();
    let mut build = String::from("load(\":d.bzl\", \"nothing\", \"simple\")\n");
    for n in 0..count {
        writeln!(build, "{rule}(name = \"t{n}\", {})", arguments(n)).unwrap();
    }
    let mut world = World::with_prelude("");
    world.add("", "BUILD", &build);
    world.add("", "d.bzl", RULES);
    for file in ["s.c", "s.h", "t.h"] {
        world.add("", file, "");
    }
    let root = world.label("//:t0").package().clone();
    let loading = cpu_nanoseconds();
    let package = world.package(&root).unwrap();
    let loaded = (cpu_nanoseconds() - loading) as f64 / 1e3;
    let configuration = world.configuration.clone();
    let mapping = world.mapping(&root.repo);
    let mut jobs = Vec::with_capacity(count);
    for n in 0..count {
        let label = root.target(&format!("t{n}")).unwrap();
        let Some(Target::Rule(def)) = package.targets.get(label.name()).cloned() else {
            panic!("no such target");
        };
        let mut inputs = world.inputs(&def, &configuration).unwrap();
        inputs.mapping = Some(mapping.clone());
        world.dep(&label, &configuration).unwrap();
        jobs.push((def, inputs));
    }
    // Everything was analyzed once; what is timed is the same again, with all inputs at hand.
    let before = resident_bytes();
    let start = cpu_nanoseconds();
    let analyzed: Vec<_> = jobs
        .iter()
        .map(|(def, inputs)| {
            inputs
                .analyze(&world, def, &package, &configuration, None)
                .unwrap()
        })
        .collect();
    let spent = (cpu_nanoseconds() - start) as f64 / 1e3;
    let kept = resident_bytes().saturating_sub(before);
    let actions: usize = analyzed.iter().map(|target| target.actions.len()).sum();
    println!(
        "{what}: {count} targets, {actions} actions: loading {:.1} us a target, analysis {:.1} us a target, {:.1} KiB kept",
        loaded / count as f64,
        spent / count as f64,
        kept as f64 / 1024.0 / count as f64,
    );
}
