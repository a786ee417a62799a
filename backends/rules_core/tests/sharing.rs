//! What many actions have as inputs is put together once (R12).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

#[path = "common/world.rs"]
mod world;

use world::World;

const DEFS: &str = r#"
Info = provider(fields = ["files"])

def _shared(ctx):
    return [Info(files = depset(ctx.files.srcs))]

shared = rule(implementation = _shared, attrs = {"srcs": attr.label_list(allow_files = True)})

def _user(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".out")
    own = depset([ctx.file.src], transitive = [ctx.attr.dep[Info].files])
    ctx.actions.run_shell(inputs = own, outputs = [out], command = "true")
    return DefaultInfo(files = depset([out]))

user = rule(
    implementation = _user,
    attrs = {"src": attr.label(allow_single_file = True), "dep": attr.label()},
)

def _all(ctx):
    out = ctx.actions.declare_file("all.out")
    files = depset(transitive = [dep[DefaultInfo].files for dep in ctx.attr.deps])
    ctx.actions.run_shell(inputs = files, outputs = [out], command = "true")
    return DefaultInfo(files = depset([out]))

all_of = rule(implementation = _all, attrs = {"deps": attr.label_list()})
"#;

const BUILD: &str = r#"
load(":defs.bzl", "all_of", "shared", "user")

shared(name = "shared", srcs = glob(["h*.txt"]))
[user(name = "u%d" % n, src = "s%d.txt" % n, dep = ":shared") for n in range(20)]
all_of(name = "all", deps = [":u%d" % n for n in range(20)])
"#;

#[tokio::test]
async fn a_set_that_many_have_is_one_node() {
    let names: Vec<String> = (0..50)
        .map(|n| format!("h{n}.txt"))
        .chain((0..20).map(|n| format!("s{n}.txt")))
        .collect();
    let mut files = vec![("defs.bzl", DEFS), ("BUILD.bazel", BUILD)];
    files.extend(names.iter().map(|name| (&**name, "text\n")));
    let world = World::new(&files);
    world
        .build(&world.engine.session(), "//:all")
        .await
        .unwrap();
    assert_eq!(world.player.ran().len(), 21);
    // The shared set; that of each user and of its output; that of all users' outputs; that of the
    // last output.
    assert_eq!(world.times("set_tree"), 1 + 20 + 20 + 1 + 1);
    // Each file is captured once, whoever wants it.
    assert_eq!(world.times("file_node"), 70);
    // Another session finds all of it.
    world
        .build(&world.engine.session(), "//:all")
        .await
        .unwrap();
    assert_eq!(world.times("set_tree"), 43);
    assert_eq!(world.player.ran(), [""; 0]);
}
