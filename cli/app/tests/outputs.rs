//! Outputs: folders (`declare_directory`) are the same tree, byte for byte, however they come (R14);
//! files that are links, and outputs that are not there.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::path::Path;
use std::process::Command;

use expect_test::expect;
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

const FILES: &str = r##"
//- defs.bzl
def _odd(ctx):
    out = ctx.actions.declare_directory(ctx.label.name + ".d")
    ctx.actions.run(
        outputs = [out],
        inputs = [ctx.file._script, ctx.file.src],
        executable = "/usr/bin/python3",
        arguments = [ctx.file._script.path, out.path, ctx.file.src.path],
    )
    return DefaultInfo(files = depset([out]))

odd = rule(
    implementation = _odd,
    attrs = {
        "src": attr.label(allow_single_file = True),
        "_script": attr.label(default = ":odd.py", allow_single_file = True),
    },
)

def _seen(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.run_shell(
        outputs = [out],
        inputs = ctx.files.srcs,
        arguments = [out.path] + [file.path for file in ctx.files.srcs],
        command = "out=$1; shift; for d in \"$@\"; do (cd $d && find . ! -type d -printf '%P %y %m %l\\n' -o -printf '%P %y\\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); done > $out",
    )
    return DefaultInfo(files = depset([out]))

seen = rule(implementation = _seen, attrs = {"srcs": attr.label_list()})

def _links(ctx):
    outs = {name: ctx.actions.declare_file(name) for name in ["to_input", "to_output", "absolute", "system"]}
    link = ctx.actions.declare_symlink("dangling")
    ctx.actions.run_shell(
        outputs = outs.values() + [link],
        inputs = [ctx.file.src],
        command = " && ".join([
            "ln -s $PWD/%s %s" % (ctx.file.src.path, outs["absolute"].path),
            "ln -s ../../../%s %s" % (ctx.file.src.path, outs["to_input"].path),
            "ln -s to_input %s" % outs["to_output"].path,
            "ln -s /usr/bin/env %s" % outs["system"].path,
            "ln -s no/where %s" % link.path,
        ]),
    )
    return DefaultInfo(files = depset(outs.values() + [link]))

links = rule(implementation = _links, attrs = {"src": attr.label(allow_single_file = True)})
//- odd.py
import os, sys
out, src = sys.argv[1:]
assert os.path.isdir(out) and not os.listdir(out), "it is there, and empty"
def write(path, text="x\n", mode=0o644):
    path = os.path.join(out, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f: f.write(text)
    os.chmod(path, mode)
    os.utime(path, (1, 1))
write("plain.txt")
write("empty.txt", "")
write("run.sh", "#!/bin/sh\n", 0o755)
write("modes/none", mode=0o000)
write("modes/secret", mode=0o600)
write("modes/group", mode=0o070)
write("modes/setuid", mode=0o4755)
for name in ["-n", "a b", "it's", 'q"q', "new\nline", "tab\t", "ünï", "日本", "*", "~", "#", ".hidden", "CON", "a" * 200]:
    write("names/" + name, name + "\n")
os.makedirs(os.path.join(out, "hollow/within/deep"))
os.chmod(os.path.join(out, "hollow"), 0o500)
for name, target in [("rel", "plain.txt"), ("up", "../../" + "x"), ("dangling", "nowhere"),
                     ("folder", "modes"), ("loop", "loop"), ("abs", "/no/where"),
                     ("own", os.path.abspath(os.path.join(out, "plain.txt"))),
                     ("input", os.path.abspath(src))]:
    os.symlink(target, os.path.join(out, name))
for n in range(40):
    write("many/f%d" % n, str(n))
//- BUILD.bazel
load(":defs.bzl", "links", "odd", "seen")

odd(name = "odd", src = "in.txt")
seen(name = "seen", srcs = [":odd"])
seen(name = "again", srcs = [":odd"])
seen(name = "third", srcs = [":odd"])
links(name = "links", src = "in.txt")
genrule(
    name = "use",
    srcs = [":links"],
    outs = ["use.txt"],
    cmd = "(cd kiln-out/fastbuild/bin; cat to_input to_output absolute; readlink dangling; readlink system) > $@",
)
//- in.txt
in
"##;

const TARGETS: &str = "build //:odd //:seen //:again //:third --jobs=1";

/// A folder as it is on disk: names, kinds, modes, links, contents.
fn listing(folder: &Path) -> String {
    let script = "find . ! -type d -printf '%P %y %m %l\\n' -o -printf '%P %y %m\\n' | LC_ALL=C sort; \
                  find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum";
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// All that a build leaves: the folder in `kiln-out`, and what actions saw of it.
fn all(workspace: &Workspace) -> Vec<String> {
    let folder = workspace.root().join("kiln-out/fastbuild/bin/odd.d");
    let seen = ["seen", "again", "third"];
    let seen = seen.map(|name| workspace.read(&format!("kiln-out/fastbuild/bin/{name}.txt")));
    let seen = seen.into_iter().map(Option::unwrap);
    [listing(&folder)].into_iter().chain(seen).collect()
}

fn executed(workspace: &Workspace, flags: &str) -> String {
    let output = workspace.kiln(&format!("{TARGETS} --format=json {flags}"));
    assert_eq!(output.code, Some(0), "{}", output.show());
    output.json("actions.executed").unwrap()
}

#[test]
fn a_folder_is_the_same_however_it_comes() {
    let one = Workspace::with(KILN, FILES);
    assert_eq!(executed(&one, ""), "4");
    let made = all(&one);
    // The first, second and third action that has it: file by file, and then as a whole.
    assert_eq!(made[1], made[2]);
    assert_eq!(made[1], made[3]);
    let shown = made[0].lines().map(str::trim_end);
    let shown = shown.filter(|line| !line.contains("/f") && !line.contains("  ./"));
    expect![[r#"
         d 755
        abs l 777 /no/where
        dangling l 777 nowhere
        empty.txt f 644
        folder l 777 modes
        hollow d 755
        hollow/within d 755
        hollow/within/deep d 755
        input l 777 ../../../../in.txt
        line f 644
        loop l 777 loop
        many d 755
        modes d 755
        modes/group f 644
        modes/none f 644
        modes/secret f 644
        modes/setuid f 755
        names d 755
        names/# f 644
        names/* f 644
        names/-n f 644
        names/.hidden f 644
        names/CON f 644
        names/a b f 644
        names/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa f 644
        names/it's f 644
        names/new
        names/q"q f 644
        names/tab	 f 644
        names/~ f 644
        names/ünï f 644
        names/日本 f 644
        own l 777 plain.txt
        plain.txt f 644
        rel l 777 plain.txt
        run.sh f 755
        up l 777 ../../x"#]].assert_eq(&shown.collect::<Vec<_>>().join("\n"));

    // Left as it is.
    assert_eq!(executed(&one, ""), "0");
    assert_eq!(all(&one), made, "nothing changed");
    // Taken from the store.
    one.remove("kiln-out/fastbuild/bin/odd.d");
    assert_eq!(executed(&one, ""), "0");
    assert_eq!(all(&one), made, "from the store");
    // Repaired.
    std::fs::write(one.root().join("kiln-out/fastbuild/bin/odd.d/stray"), "").unwrap();
    assert_eq!(executed(&one, ""), "0");
    assert_eq!(all(&one), made, "repaired");
    // Another checkout with the same cache.
    let cache = one.cache().to_string_lossy().into_owned();
    let two = Workspace::with(KILN, FILES).env("KILN_CACHE_DIR", &cache);
    assert_eq!(executed(&two, ""), "0");
    assert_eq!(all(&two), made, "from the cache of another checkout");
    // Another checkout with a cache of its own.
    let three = Workspace::with(KILN, FILES);
    assert_eq!(executed(&three, ""), "4");
    assert_eq!(all(&three), made, "made anew");
    // Weaker tiers make the same; actions see other modes there.
    for tier in ["landlock", "off"] {
        let weak = Workspace::with(KILN, FILES);
        assert_eq!(executed(&weak, &format!("--sandbox={tier}")), "4");
        assert_eq!(all(&weak)[0], made[0], "{tier}");
    }
}

/// A declared file is what its link leads to: whoever uses it has nothing else of its action.
#[test]
fn files_that_are_links() {
    let workspace = Workspace::with(KILN, FILES);
    for _ in 0..2 {
        let output = workspace.kiln("build //:use //:links");
        assert_eq!(output.code, Some(0), "{}", output.show());
        let used = workspace.read("kiln-out/fastbuild/bin/use.txt");
        assert_eq!(
            used.as_deref(),
            Some("in\nin\nin\nno/where\n/usr/bin/env\n")
        );
        workspace.remove("kiln-out");
    }
}

#[test]
fn a_link_that_leads_nowhere() {
    let files = "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"ln -s nowhere $@\")\n";
    let workspace = Workspace::with(KILN, files);
    expect![[r#"
        exit: 1
        --- stderr
        error: Genrule of `//:x` made a link at `kiln-out/fastbuild/bin/o` that leads nowhere: `nowhere`
          --> BUILD:1:1
        hint: link to an input or an output of the action, or declare a link (`declare_symlink`)
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]].assert_eq(&workspace.kiln("build //:x").show());
}

/// What is made under another name is no output; and what is not made is tried again.
#[test]
fn outputs_under_another_name() {
    let command = "mkdir $(RULEDIR)/d; echo > $(RULEDIR)/d/oo; echo > $(RULEDIR)/O; echo > /tmp/x";
    let files = format!(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], srcs = [\"in.txt\"], cmd = \"{command}\")\n//- in.txt\n"
    );
    let workspace = Workspace::with(KILN, &files);
    let error = |output: &str| output[output.find("error:").unwrap()..].to_owned();
    let first = error(&workspace.kiln("build //:x").stderr);
    expect![[r#"
        error: Genrule of `//:x` succeeded, but did not make `kiln-out/fastbuild/bin/o`
          --> BUILD:1:1
           = it made `kiln-out/fastbuild/bin/O`, `kiln-out/fastbuild/bin/d/oo`, which it does not declare
        hint: the command must write every declared output at exactly this path (`$@`, `$(OUTS)`, `$(RULEDIR)`)
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]].assert_eq(&first);
    for flags in ["", "--sandbox=landlock", "--sandbox=off"] {
        let again = workspace.kiln(&format!("build //:x {flags}"));
        assert_eq!(error(&again.stderr), first, "{flags}");
    }
}
