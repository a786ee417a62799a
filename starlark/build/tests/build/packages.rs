//! What BUILD files make.

use expect_test::{Expect, expect};

use crate::world::{World, show};

fn check(text: &str, expect: Expect) {
    expect.assert_eq(&show(World::default().build(text, &[])));
}

fn check_bzl(bzl: &str, text: &str, expect: Expect) {
    expect.assert_eq(&show(
        World::default().build(text, &[("//q:defs.bzl", bzl)]),
    ));
}

#[test]
fn every_kind_of_attribute() {
    check(
        r#"
thing(
    name = "t",
    srcs = ["a.cc", ":b", "//c", "//c:d", "@dep//e:f", "@dep", "@nowhere//x", "@//r", "@@x+//y:z"],
    text = "x", texts = ("a", "b"), number = -7, flag = 1, numbers = [1, 2],
    words = {"k": "v"}, lists = {"k": ["v"]}, labels = {":l": "v"}, tools = {"k": "//t"},
    one = Label("//l"), deps = None,
)
thing(name = "a/b+c@d")
"#,
        expect![[r#"
            a/b+c@d: thing()
            t: thing(flag = true, labels = {//p:l: "v"}, lists = {"k": ["v"]}, number = -7, numbers = [1, 2], one = //l:l, srcs = [//p:a.cc, //p:b, //c:c, //c:d, @@dep+//e:f, @@dep+//:dep, @nowhere//x:x, //r:r, @@x+//y:z], text = "x", texts = ["a", "b"], tools = {"k": //t:t}, words = {"k": "v"})"#]],
    );
}

#[test]
fn package_defaults_count_everywhere() {
    check(
        r#"
thing(name = "before")
package(default_visibility = ["//visibility:public"], default_testonly = True,
    features = ["f", "-g"], default_applicable_licenses = [":l"])
thing(name = "after", testonly = False)
thing(name = "own", visibility = ["//visibility:private"])
thing(name = "listed", visibility = [":__pkg__", "//x:__subpackages__", "@nowhere//y:__pkg__", "//g"])
thing(name = "none", visibility = None)
thing(name = "empty", visibility = [])
"#,
        expect![[r#"
            package: visibility public
            package: features ["f", "-g"] testonly true
            after: thing(testonly = false) visibility public
            before: thing(testonly = true) visibility public
            empty: thing(testonly = true)
            listed: thing(testonly = true) visibility [//p, //x/..., @nowhere//y, group //g:g]
            none: thing(testonly = true) visibility public
            own: thing(testonly = true)"#]],
    );
}

#[test]
fn functions_of_the_file_system() {
    check(
        r#"
thing(name = "t", srcs = glob(["*.cc", "*.h"], exclude = ["b.h"]))
thing(name = "u", texts = subpackages(include = ["sub"]))
[thing(name = s + "_t", srcs = [s]) for s in glob(["*.cc"])]
"#,
        expect![[r#"
            a.cc_t: thing(srcs = [//p:a.cc])
            b.cc_t: thing(srcs = [//p:b.cc])
            t: thing(srcs = [//p:a.cc, //p:b.cc])
            u: thing(texts = ["sub"])"#]],
    );
}

#[test]
fn functions_about_the_package() {
    check(
        r#"
thing(name = "t", texts = [
    package_name(), repository_name(), repo_name(), module_name(), module_version(),
    str(package_relative_label(":x")), str(Label("//a:b")), repr(Label("@dep//:c")),
    Label("//a/b:c/d").name, Label("//a/b").package, Label("@dep//x").repo_name,
    Label("@dep//x").workspace_root, str(Label("//a").relative(":b")),
    str(Label("//a").same_package_label("c")), type(Label("//a")),
])
thing(name = "u", words = {str(k): v for k, v in {Label("//a"): "1", Label("//a:b"): "2"}.items()},
    flag = Label("//a") == Label("//a:a"))
"#,
        expect![[r#"
            t: thing(texts = ["p", "@", "", "mod", "1.2", "@@//p:x", "@@//a:b", "@@dep+//:c", "c/d", "a/b", "dep+", "external/dep+", "@@//a:b", "@@//a:c", "Label"])
            u: thing(flag = true, words = {"@@//a:a": "1", "@@//a:b": "2"})"#]],
    );
}

#[test]
fn groups_exports_and_ignored_functions() {
    check(
        r#"
licenses(["notice"])
distribs([])
exports_files(["LICENSE", "d/x.txt"])
exports_files(["LICENSE"])
exports_files(["private.txt"], visibility = ["//x:__pkg__"])
package_group(name = "g", packages = ["//a", "//b/...", "-//b/c", "//...", "@dep//z"],
    includes = [":h"])
package_group(name = "h", packages = ["public"])
"#,
        expect![[r#"
            LICENSE: exported, visibility public
            d/x.txt: exported, visibility public
            g: group of [//a, //b/..., -//b/c, ///..., @@dep+//z] everybody false includes [//p:h]
            h: group of [] everybody true includes []
            private.txt: exported, visibility [//x]"#]],
    );
}

#[test]
fn outputs() {
    check(
        r#"
gen(name = "g", outs = ["x.txt", "d/y.txt"], out = "z")
gen(name = "same", out = "same")
templated(name = "a/t", src = "//s:f.txt")
"#,
        expect![[r#"
            a/copies/t_f.txt: output of a/t
            a/t: templated(src = //s:f.txt)
            a/t.log: output of a/t
            d/y.txt: output of g
            g: gen(out = //p:z, outs = [//p:x.txt, //p:d/y.txt])
            same: gen(out = //p:same)
            x.txt: output of g
            z: output of g
            warning: `same` is both a target and an output of it; the name means the target
              --> p/BUILD:3:1
               |
             3 | gen(name = "same", out = "same")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn macros_and_native() {
    check_bzl(
        r#"
def _inner(name, **kwargs):
    native.thing(name = name, **kwargs)
def both(name):
    _inner(name = name, srcs = [":own", "//q", Label(":lexical")])
    native.gen(name = name + "_gen", out = name + ".out")
    print("made", name)
s = native
fields = [f for f in dir(native) if not f.startswith("_")]
has = [hasattr(native, "thing"), hasattr(native, "nothing"), hasattr(native, "_hidden")]
"#,
        r#"
load("//q:defs.bzl", "both", "fields", "has", other = "s")
both(name = "m")
wrapped(name = "w", srcs = ["x"])
other.thing(name = "n", texts = fields + [str(h) for h in has])
"#,
        expect![[r#"
            m: thing(srcs = [//p:own, //q:q, //q:lexical]) by both at p/BUILD:3:1
            m.out: output of m_gen
            m_gen: gen(out = //p:m.out) by both at p/BUILD:3:1
            n: thing(texts = ["bazel_version", "distribs", "existing_rule", "existing_rules", "exports_files", "gen", "glob", "licenses", "module_name", "module_version", "package", "package_group", "package_name", "package_relative_label", "repo_name", "repository_name", "strict", "subpackages", "templated", "thing", "wrapped", "True", "False", "False"])
            w_inner: thing(srcs = [//p:x]) by wrapped at p/BUILD:4:1
            warning: made m
              --> q/defs.bzl:7:5
               |
             7 |     print("made", name)
               |     ^^^^^^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn existing_rules() {
    check_bzl(
        r#"
def tell(name):
    rules = native.existing_rules()
    native.thing(name = name, texts = [
        str(sorted(rules.keys())), str(native.existing_rule("nothing")), str(native.existing_rule("a"))])
"#,
        r#"
load("//q:defs.bzl", "tell")
thing(name = "a", srcs = ["x", "//p:y", "//z", "@dep//w"], text = select({":c": "d"}))
gen(name = "b", out = "c")
tell(name = "t")
"#,
        expect![[r#"
            a: thing(srcs = [//p:x, //p:y, //z:z, @@dep+//w:w], text = select(//p:c: "d"))
            b: gen(out = //p:c)
            c: output of b
            t: thing(texts = ["[\"a\", \"b\"]", "None", "{\"name\": \"a\", \"kind\": \"thing\", \"visibility\": [], \"srcs\": [\":x\", \":y\", \"//z:z\", \"@@dep+//w:w\"], \"text\": select({\"@@//p:c\": \"d\"})}"]) by tell at p/BUILD:5:1"#]],
    );
}

#[test]
fn load_visibility() {
    let text = "load('//q:defs.bzl', 'x')";
    check_bzl("visibility('public')\nx = 1", text, expect![""]);
    check_bzl("visibility(['//p'])\nx = 1", text, expect![""]);
    check_bzl(
        "visibility(['//...', '-//p/...'])\nx = 1",
        text,
        expect![[r#"
            error: `//q:defs.bzl` may not be loaded by files of the package `//p`
              --> p/BUILD:1:6
               |
             1 | load('//q:defs.bzl', 'x')
               |      ^^^^^^^^^^^^^^
            hint: its `visibility(…)` call says who may load it"#]],
    );
    check_bzl(
        "visibility('private')\nx = 1",
        text,
        expect![[r#"
        error: `//q:defs.bzl` may not be loaded by files of the package `//p`
          --> p/BUILD:1:6
           |
         1 | load('//q:defs.bzl', 'x')
           |      ^^^^^^^^^^^^^^
        hint: its `visibility(…)` call says who may load it"#]],
    );
}

#[test]
fn fingerprints() {
    let world = World::default();
    let print = |label: &str, text: &str| world.bzl(label, text, &[]).unwrap().fingerprint;
    let base = print("//a:b.bzl", "x = 1");
    assert_eq!(base, print("//a:b.bzl", "x = 1"));
    assert_ne!(base, print("//a:b.bzl", "x = 2"));
    assert_ne!(base, print("//a:c.bzl", "x = 1"));
    let dep = world.bzl("//a:d.bzl", "y = 1", &[]).unwrap();
    let other = world.bzl("//a:d.bzl", "y = 2", &[]).unwrap();
    let with = |dep| {
        let loads = [(":d.bzl".into(), dep)];
        world
            .bzl("//a:b.bzl", "load(':d.bzl', 'y')", &loads)
            .unwrap()
            .fingerprint
    };
    assert_ne!(with(dep), with(other));
}

#[test]
fn globals_of_the_natives_are_for_bzl_files_only() {
    let bzl = "def f():\n    native.thing(name = \"t\", text = Info)\n";
    check_bzl(
        bzl,
        "load(\"//q:defs.bzl\", \"f\")\nf()",
        expect![[r#"t: thing(text = "info of the natives") by f at p/BUILD:2:1"#]],
    );
    check(
        "thing(name = Info)",
        expect![[r#"
            error: `Info` is not defined
              --> p/BUILD:1:14
               |
             1 | thing(name = Info)
               |              ^^^^
            hint: names defined here: False, Label, None, True, abs, all, any, bool, bytes, chr, dict, dir, distribs, enumerate, existing_rule, existing_rules, exports_files, fail, float, gen, getattr, glob, hasattr, hash, int, json, len, licenses, list, max, min, module_name, module_version, ord, package, package_group, package_name, package_relative_label, parametrize, print, range, repo_name, repository_name, repr, reversed, select, set, sorted, str, strict, subpackages, templated, thing, tuple, type, wrapped, zip"#]],
    );
    check(
        "thing(name = str(bzl_globals))",
        expect![[r#"
            error: `bzl_globals` is not defined
              --> p/BUILD:1:18
               |
             1 | thing(name = str(bzl_globals))
               |                  ^^^^^^^^^^^
            hint: names defined here: False, Label, None, True, abs, all, any, bool, bytes, chr, dict, dir, distribs, enumerate, existing_rule, existing_rules, exports_files, fail, float, gen, getattr, glob, hasattr, hash, int, json, len, licenses, list, max, min, module_name, module_version, ord, package, package_group, package_name, package_relative_label, parametrize, print, range, repo_name, repository_name, repr, reversed, select, set, sorted, str, strict, subpackages, templated, thing, tuple, type, wrapped, zip"#]],
    );
}

#[test]
fn packages_load_in_parallel() {
    let world = World::default();
    let text = "thing(name = 't', srcs = glob(['*.cc']), text = select({':a': 'x'}))";
    let alone = world.build(text, &[]).unwrap();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| world.build(text, &[])))
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap().unwrap(), alone);
        }
    });
}
