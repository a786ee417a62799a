//! Groups of values, parametrized defaults, and dependencies on what is parametrized.

use expect_test::expect;

use crate::{check, workspace};

const LOAD: &str = r#"load("//rules:show.bzl", "macro", "other", "show")"#;

#[test]
fn groups_set_several_attributes_bld_073() {
    check(
        &format!(
            r#"
//- BUILD
{LOAD}
show(
    name = "t",
    flag = parametrize(yes = True, no = False),
    text = "overridden",
    **parametrize("A", text = "a", list = ["a"])
)
show(
    name = "two",
    **dict(parametrize("A", text = "a"), **parametrize("B", text = "b", list = ["b"]))
)
macro(name = "m", **parametrize("A", text = "a"))
"#
        ),
        expect![[r#"
            m@parametrize=A: text=a list=[] dict={} flag=False deps=[]
            t@flag=no,parametrize=A: text=a list=["a"] dict={} flag=False deps=[]
            t@flag=yes,parametrize=A: text=a list=["a"] dict={} flag=True deps=[]
            two@parametrize=A: text=a list=[] dict={} flag=False deps=[]
            two@parametrize=B: text=b list=["b"] dict={} flag=False deps=[]"#]],
    );
}

#[test]
fn nested_groups_bld_075() {
    check(
        &format!(
            r#"
//- BUILD
{LOAD}
show(
    name = "t",
    **parametrize(
        "root",
        text = "root",
        flag = True,
        **dict(
            parametrize("sub1", text = "sub1"),
            **parametrize("sub2", list = parametrize(x = ["x"], y = ["y"]))
        )
    )
)
"#
        ),
        expect![[r#"
            t@list=x,parametrize=root-sub2: text=root list=["x"] dict={} flag=True deps=[]
            t@list=y,parametrize=root-sub2: text=root list=["y"] dict={} flag=True deps=[]
            t@parametrize=root-sub1: text=sub1 list=[] dict={} flag=True deps=[]"#]],
    );
}

#[test]
fn parametrized_defaults_are_weak_bld_082() {
    check(
        &format!(
            r#"
//- BUILD
{LOAD}
__defaults__({{
    show: {{"text": parametrize("a", "b")}},
    other: dict({{"flag": True}}, **parametrize("G", text = "g", list = ["g"])),
}})
show(name = "plain")
show(name = "given", text = "own")
show(name = "grouped", **parametrize("A", text = "of the group"))
other(name = "by_group")
other(name = "own_group", **parametrize("H", text = "h"))
//- below/BUILD
{LOAD}
show(name = "below")
other(name = "below_group")
"#
        ),
        expect![[r#"
            below@text=a: text=a list=[] dict={} flag=False deps=[]
            below@text=b: text=b list=[] dict={} flag=False deps=[]
            below_group@parametrize=G: text=g list=["g"] dict={} flag=True deps=[]
            by_group@parametrize=G: text=g list=["g"] dict={} flag=True deps=[]
            given: text=own list=[] dict={} flag=False deps=[]
            grouped@parametrize=A: text=of the group list=[] dict={} flag=False deps=[]
            own_group@parametrize=H: text=h list=[] dict={} flag=True deps=[]
            plain@text=a: text=a list=[] dict={} flag=False deps=[]
            plain@text=b: text=b list=[] dict={} flag=False deps=[]"#]],
    );
}

#[test]
fn dependencies_are_alike_bld_078_bld_079() {
    check(
        &format!(
            r#"
//- BUILD
{LOAD}
show(name = "dep", text = parametrize("a", "b"))
show(name = "a", text = "a", deps = [":dep"])
show(name = "both", text = parametrize("a", "b"), deps = [":dep"])
show(name = "exact", deps = [":dep@text=b"])
show(name = "two", text = parametrize("a", "b"), flag = parametrize(yes = True, no = False))
show(name = "partly", text = "a", flag = True, deps = [":two@text=b"])
show(name = "of_group", **dict(parametrize("A", text = "a"), **parametrize("B", text = "b")))
show(name = "same_group", deps = [":of_group"], **dict(parametrize("A", text = "a"), **parametrize("B", text = "b")))
"#
        ),
        expect![[r#"
            a: text=a list=[] dict={} flag=False deps=["dep@text=a"]
            both@text=a: text=a list=[] dict={} flag=False deps=["dep@text=a"]
            both@text=b: text=b list=[] dict={} flag=False deps=["dep@text=b"]
            dep@text=a: text=a list=[] dict={} flag=False deps=[]
            dep@text=b: text=b list=[] dict={} flag=False deps=[]
            exact: text=own list=[] dict={} flag=False deps=["dep@text=b"]
            of_group@parametrize=A: text=a list=[] dict={} flag=False deps=[]
            of_group@parametrize=B: text=b list=[] dict={} flag=False deps=[]
            partly: text=a list=[] dict={} flag=True deps=["two@flag=yes,text=b"]
            same_group@parametrize=A: text=a list=[] dict={} flag=False deps=["of_group@parametrize=A"]
            same_group@parametrize=B: text=b list=[] dict={} flag=False deps=["of_group@parametrize=B"]
            two@flag=no,text=a: text=a list=[] dict={} flag=False deps=[]
            two@flag=no,text=b: text=b list=[] dict={} flag=False deps=[]
            two@flag=yes,text=a: text=a list=[] dict={} flag=True deps=[]
            two@flag=yes,text=b: text=b list=[] dict={} flag=True deps=[]"#]],
    );
}

#[test]
fn dependencies_are_built_where_what_needs_them_is() {
    let files = r#"
//- kiln.toml
[environments-preview.names]
one = "//environments:one"
two = "//environments:two"
//- environments/BUILD
local_environment(name = "one")
docker_environment(name = "two", image = "debian:12")
//- BUILD
load("//rules:show.bzl", "show")
show(name = "dep", environment = parametrize("one", "two"))
show(name = "middle", deps = [":dep"])
show(name = "top", environment = parametrize("one", "two"), deps = [":middle"])
"#;
    let workspace = workspace(files);
    let output = workspace.kiln("build //:top");
    let lines: Vec<&str> = output
        .stderr
        .lines()
        .filter(|l| l.contains("middle: "))
        .collect();
    let mut lines: Vec<&str> = lines
        .iter()
        .filter_map(|l| l.rsplit_once("deps="))
        .map(|(_, r)| r)
        .collect();
    lines.sort_unstable();
    expect![[r#"Some(0) ["dep@environment=one"] ["dep@environment=two"]"#]].assert_eq(&format!(
        "{:?} {}",
        output.code,
        lines.join(" ")
    ));
}

/// A name of several on the command line is all of them.
#[test]
fn names_on_the_command_line_bld_070() {
    let files = r#"
//- BUILD
load("//rules:show.bzl", "show")
show(name = "t", text = parametrize("a", "b"), flag = parametrize(yes = True, no = False))
"#;
    let workspace = workspace(files);
    for (name, expected) in [
        (
            "//:t",
            expect![[r#"
            exit: 0
            --- stdout
            //:t@flag=no,text=a
            //:t@flag=no,text=b
            //:t@flag=yes,text=a
            //:t@flag=yes,text=b
        "#]],
        ),
        (
            "//:t@text=a",
            expect![[r#"
            exit: 0
            --- stdout
            //:t@flag=no,text=a
            //:t@flag=yes,text=a
        "#]],
        ),
        (
            "//:t@flag=yes,text=a",
            expect![[r#"
            exit: 0
            --- stdout
            //:t@flag=yes,text=a
        "#]],
        ),
        (
            "//:t@text=c",
            expect![[r#"
                exit: 1
                --- stderr
                error: no such target `//:t@text=c`: `t` is parametrized, and has no such parameters
                hint: write one of `//:t@flag=yes,text=a`, `//:t@flag=no,text=a`, `//:t@flag=yes,text=b`, `//:t@flag=no,text=b`
            "#]],
        ),
    ] {
        expected.assert_eq(&workspace.kiln(&format!("list {name}")).show());
    }
}
