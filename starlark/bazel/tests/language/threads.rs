//! The host is shared by threads, and what it gives lives on its own.

use std::sync::Arc;

use kiln_bazel::{Limits, LoaderOptions, StarlarkHost};
use kiln_targets::Target;

use crate::harness::{World, describe};

const FILES: &str = r#"
=== d.bzl
Info = provider()

def _impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.write(out, "x" * 100)
    deps = [dep[Info].files for dep in ctx.attr.deps]
    return [DefaultInfo(files = depset([out])), Info(files = depset([out], transitive = deps), n = len(deps))]

mine = rule(_impl, attrs = {"deps": attr.label_list(providers = [Info])})
=== BUILD
load(":d.bzl", "mine")
mine(name = "base")
[mine(name = "t%d" % n, deps = [":base"]) for n in range(40)]
"#;

#[test]
fn targets_are_analyzed_in_parallel() {
    fn shared<T: Send + Sync>(_: &T) {}
    let mut world = World::new(FILES);
    shared(&world.host);
    world.analyze("//:base").unwrap();
    let package = world
        .package(&world.label("//:base").package().clone())
        .unwrap();
    let configuration = world.configuration.clone();
    let jobs: Vec<_> = (0..40)
        .map(|n| {
            let Target::Rule(def) = package.targets[&*format!("t{n}")].clone() else {
                panic!("no rule")
            };
            (def.clone(), world.inputs(&def, &configuration).unwrap())
        })
        .collect();
    let (world, package) = (&world, &package);
    let texts: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = jobs
            .chunks(10)
            .map(|jobs| {
                scope.spawn(move || {
                    let analyzed = jobs.iter().map(|(def, inputs)| {
                        inputs
                            .analyze(world, def, package, &world.configuration, None)
                            .unwrap()
                    });
                    analyzed.map(|target| describe(&target)).collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(texts.len(), 40);
    for (n, text) in texts.iter().enumerate() {
        assert!(
            text.contains(&format!("<generated file t{n}.txt>")),
            "{text}"
        );
        assert!(text.contains("n = 1"), "{text}");
    }
}

/// A target needs neither its package nor its .bzl file to be analyzed, and its providers need
/// neither the target nor the host that made them.
#[test]
fn what_was_loaded_lives_on_by_itself() {
    let mut world = World::new(FILES);
    let base = world.label("//:base");
    let package = world.package(base.package()).unwrap();
    let Target::Rule(def) = package.targets["base"].clone() else {
        panic!("no rule")
    };
    let inputs = world.inputs(&def, &world.configuration.clone()).unwrap();
    let bare = kiln_targets::PackageDefs {
        targets: Default::default(),
        ..(*package).clone()
    };
    drop(package);
    world.forget();
    world.host = Arc::new(StarlarkHost::new(
        Limits::default(),
        LoaderOptions::default(),
    ));
    let target = inputs
        .analyze(&world, &def, &bare, &world.configuration, None)
        .unwrap();
    let target = Arc::new(target);
    drop((world, def, bare));
    assert!(describe(&target).contains("Info(files = depset([<generated file base.txt>])"));
}
