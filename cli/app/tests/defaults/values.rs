//! Values for targets of a package and of those below.

use expect_test::expect;

use crate::{check, workspace};

const LOAD: &str = r#"load("//rules:show.bzl", "macro", "other", "show")"#;

#[test]
fn a_target_wins_over_defaults_bld_090() {
    check(
        &format!(
            r#"
//- BUILD
{LOAD}
__defaults__({{show: {{"text": "default", "list": ["a", "b"], "dict": {{"k": "v"}}, "flag": True}}}})
show(name = "plain")
show(name = "given", text = "given", list = [])
show(name = "none", text = None)
macro(name = "by_macro")
other(name = "other")
"#
        ),
        expect![[r#"
            by_macro: text=default list=["a", "b"] dict={"k": "v"} flag=True deps=[]
            given: text=given list=[] dict={"k": "v"} flag=True deps=[]
            none: text=default list=["a", "b"] dict={"k": "v"} flag=True deps=[]
            other: text=own list=[] dict={} flag=False deps=[]
            plain: text=default list=["a", "b"] dict={"k": "v"} flag=True deps=[]"#]],
    );
}

#[test]
fn folders_below_inherit_bld_091() {
    check(
        &format!(
            r#"
//- BUILD
{LOAD}
__defaults__({{(show, other): {{"text": "top", "flag": True}}}})
show(name = "top")
//- a/b/BUILD
{LOAD}
show(name = "ab")
//- a/BUILD
{LOAD}
__defaults__({{show: {{"list": ["of a"]}}}})
show(name = "a")
other(name = "a_other")
//- a/b/c/BUILD
{LOAD}
__defaults__({{show: {{"text": "c"}}}}, extend = True)
show(name = "abc")
//- d/BUILD
{LOAD}
__defaults__({{show: {{}}}})
show(name = "reset")
other(name = "d_other")
"#
        ),
        expect![[r#"
            a: text=own list=["of a"] dict={} flag=False deps=[]
            a_other: text=top list=[] dict={} flag=True deps=[]
            ab: text=own list=["of a"] dict={} flag=False deps=[]
            abc: text=c list=["of a"] dict={} flag=False deps=[]
            d_other: text=top list=[] dict={} flag=True deps=[]
            reset: text=own list=[] dict={} flag=False deps=[]
            top: text=top list=[] dict={} flag=True deps=[]"#]],
    );
}

#[test]
fn all_rules_that_have_it_bld_093() {
    check(
        &format!(
            r#"
//- BUILD
{LOAD}
__defaults__(all = {{"more": "a", "text": "all", "nobody_has_this": 1}})
show(name = "show")
other(name = "other")
//- a/BUILD
{LOAD}
__defaults__({{show: {{"flag": True}}}}, all = {{"text": "a"}})
show(name = "a_show")
other(name = "a_other")
//- a/b/BUILD
{LOAD}
__defaults__(all = {{"list": ["b"]}}, extend = True)
show(name = "ab_show")
other(name = "ab_other")
"#
        ),
        expect![[r#"
            a_other: text=a list=[] dict={} flag=False deps=[]
            a_show: text=a list=[] dict={} flag=True deps=[]
            ab_other: text=a list=["b"] dict={} flag=False deps=[]
            ab_show: text=a list=["b"] dict={} flag=True deps=[]
            other: text=all list=[] dict={} flag=False deps=[]
            show: text=all list=[] dict={} flag=False deps=[]"#]],
    );
}

/// A target above the call does not see it (BLD-098).
#[test]
fn a_call_holds_for_what_stands_behind_it_bld_098() {
    check(
        &format!(
            r#"
//- BUILD
{LOAD}
show(name = "before")
__defaults__({{show: {{"text": "default"}}}})
show(name = "behind")
"#
        ),
        expect![[r#"
            before: text=own list=[] dict={} flag=False deps=[]
            behind: text=default list=[] dict={} flag=False deps=[]"#]],
    );
}

#[test]
fn values_of_all_kinds() {
    check(
        &format!(
            r#"
//- BUILD
{LOAD}
package(default_visibility = ["//visibility:public"])
config_setting(name = "opt", values = {{"compilation_mode": "opt"}})
__defaults__({{show: {{
    "text": select({{":opt": "opt", "//conditions:default": "not opt"}}),
    "list": ["always"] + select({{":opt": ["opt"], "//conditions:default": []}}),
    "deps": [":dep"],
}}}})
other(name = "dep")
show(name = "show")
//- a/BUILD
{LOAD}
__defaults__({{show: {{"deps": ["//:dep", ":own"]}}}})
other(name = "own")
show(name = "a_show")
"#
        ),
        expect![[r#"
            a_show: text=own list=[] dict={} flag=False deps=["dep", "own"]
            dep: text=own list=[] dict={} flag=False deps=[]
            own: text=own list=[] dict={} flag=False deps=[]
            show: text=not opt list=["always"] dict={} flag=False deps=["dep"]"#]],
    );
}

/// Rules of the prelude by their name, or as they are called; `package()` and repositories beside
/// are not touched.
#[test]
fn rules_by_name_bld_090() {
    let files = r#"
//- BUILD
__defaults__({"genrule": {"outs": ["by_default.txt"]}, genrule: {"cmd": "echo by default > $@"}}, extend = True)
genrule(name = "g")
"#;
    let workspace = workspace(files);
    let output = workspace.kiln("build //:g");
    expect![[r#"
        exit: 0
        --- stderr
        //:g:
          kiln-out/fastbuild/bin/by_default.txt
        built 1 target in [TIME]; 1 action: 1 run
    "#]]
    .assert_eq(&output.show());
}

/// What is remembered of packages below does not outlive an edit above.
#[test]
fn an_edit_above_is_seen_below() {
    let files = format!(
        "
//- BUILD
{LOAD}
__defaults__({{show: {{\"text\": \"top\"}}}})
//- a/BUILD
{LOAD}
show(name = \"a\")
"
    );
    let workspace = workspace(&files);
    let first = workspace.kiln("build //a");
    assert!(first.stderr.contains("text=top"), "{}", first.show());
    let changed = files.replace("top", "new");
    let (_, changed) = changed.split_once("//- BUILD\n").unwrap_or_default();
    let (changed, _) = changed.split_once("//- ").unwrap_or_default();
    workspace.write("BUILD", changed);
    let second = workspace.kiln("build //a");
    assert!(second.stderr.contains("text=new"), "{}", second.show());
}

/// Environments of all tests of a folder (ENV-033).
#[test]
fn environments_by_default_env_033() {
    let files = r#"
//- kiln.toml
[environments-preview.names]
one = "//:one"
two = "//:two"
//- BUILD
local_environment(name = "one")
docker_environment(name = "two", image = "debian:12")
//- tests/BUILD
__defaults__(all = dict(environment = "two"))
genrule(name = "g", outs = ["g.txt"], cmd = "echo g > $@")
filegroup(name = "f", srcs = ["x"])
genrule(name = "own", outs = ["own.txt"], cmd = "echo own > $@", environment = "one")
//- tests/x
x
"#;
    let output = workspace(files).kiln("env explain //tests:g //tests:f //tests:own");
    expect![[r#"
        exit: 0
        --- stdout
        //tests:g
          its `environment` is `two`
          built in `two` (docker_environment), which is `//:two`
        //tests:f
          its `environment` is `two`
          built in `two` (docker_environment), which is `//:two`
        //tests:own
          its `environment` is `one`
          built in `one` (local_environment), which is `//:one`
    "#]]
    .assert_eq(&output.show());
}
