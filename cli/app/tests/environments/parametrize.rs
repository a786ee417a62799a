//! `parametrize`.

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

use crate::{KILN, check};

/// A test that says in its log where it runs.
const PARAMETRIZED: &str = "
//- kiln.toml
[environments-preview.names]
one = \"//:one\"
two = \"//:two\"
//- one.sh
#!/bin/bash
[ -e made.txt ]
//- BUILD
local_environment(name = \"one\", compatible_platforms = [\"linux_x86_64\", \"linux_arm64\"])
local_environment(name = \"two\", compatible_platforms = [], fallback_environment = \"one\")
genrule(name = \"made\", outs = [\"made.txt\"], cmd = \"touch $@\")
sh_test(
    name = \"t\",
    srcs = [\"one.sh\"],
    data = [\":made\"],
    args = parametrize(plain = [], loud = [\"-v\"]),
    environment = parametrize(\"one\", \"two\"),
)
";

#[test]
fn one_target_for_each_value_env_032_bld_070_bld_072() {
    let workspace = Workspace::with(KILN, PARAMETRIZED);
    expect![[r#"
        exit: 0
        --- stdout
        genrule rule //:made
        local_environment rule //:one
        sh_test rule //:t@args=loud,environment=one
        sh_test rule //:t@args=loud,environment=two
        sh_test rule //:t@args=plain,environment=one
        sh_test rule //:t@args=plain,environment=two
        local_environment rule //:two
    "#]]
    .assert_eq(&workspace.kiln("list //:all --output=label_kind").show());
    let test = "test //:t@args=plain,environment=one //:t@args=plain,environment=two";
    expect![[r#"
        exit: 0
        --- stdout
        //:t@args=plain,environment=one          PASSED in [TIME]
        //:t@args=plain,environment=two          PASSED in [TIME]
        2 tests: 2 passed
        --- stderr
        built 2 targets in [TIME]; 3 actions: 3 run
    "#]]
    .assert_eq(&workspace.kiln(test).show());
    expect![[r#"
        exit: 0
        --- stdout
        //:t@args=loud,environment=two
          its `environment` is `two`
          not `two`: its `compatible_platforms` is empty, so that it matches nowhere
          built in `one` (local_environment), which is `//:one`
    "#]]
    .assert_eq(
        &workspace
            .kiln("env explain //:t@args=loud,environment=two")
            .show(),
    );
    // The bare name is none itself, and means all of them here.
    expect![[r#"
        exit: 0
        --- stderr
        built 4 targets in [TIME]; 1 action: 0 run, 1 from cache
    "#]]
    .assert_eq(&workspace.kiln("build //:t").show());
}

#[test]
fn mistakes_in_parametrize_bld_071() {
    let mistake = |value: &str, expect: Expect| {
        let build = format!("filegroup(name = \"x\", tags = {value})");
        check("", &build, "list //:all", expect);
    };
    mistake(
        "parametrize([])",
        expect![[r#"
        exit: 1
        --- stderr
        error: `parametrize` names targets by its values, and `[]` of type list is no text
          --> BUILD:1:30
           |
         1 | filegroup(name = "x", tags = parametrize([]))
           |                              ^^^^^^^^^^^^^^^
        hint: give it an alias: `parametrize(some_name = …)`
    "#]],
    );
    mistake(
        "parametrize(\"a=b\")",
        expect![[r#"
        exit: 1
        --- stderr
        error: `a=b` cannot be part of a target's name
          --> BUILD:1:30
           |
         1 | filegroup(name = "x", tags = parametrize("a=b"))
           |                              ^^^^^^^^^^^^^^^^^^
        hint: give it an alias: `parametrize(some_name = …)`
    "#]],
    );
    mistake(
        "parametrize(\"a\", a = [])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//:x`: `parametrize` has `a` twice
              --> BUILD:1:1
               |
             1 | filegroup(name = "x", tags = parametrize("a", a = []))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: remove one of them, or give it another alias
        "#]],
    );
    mistake(
        "parametrize()",
        expect![[r#"
        exit: 1
        --- stderr
        error: `parametrize` without values would make no target
          --> BUILD:1:30
           |
         1 | filegroup(name = "x", tags = parametrize())
           |                              ^^^^^^^^^^^^^
        hint: give it at least one value
    "#]],
    );
    mistake(
        "parametrize(\"a\")",
        expect![[r#"
        exit: 1
        --- stderr
        error: attribute `tags` of filegroup `//:x@tags=a`: expected a list of strings, got `"a"` of type string
          --> BUILD:1:23
           |
         1 | filegroup(name = "x", tags = parametrize("a"))
           |                       ^^^^^^^^^^^^^^^^^^^^^^^
        hint: write `["a"]`
    "#]],
    );
    mistake(
        "[], visibility = parametrize(\"a\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//:x`: `visibility` cannot be parametrized
              --> BUILD:1:1
               |
             1 | filegroup(name = "x", tags = [], visibility = parametrize("a"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: parametrize another attribute; names of its targets follow from it
        "#]],
    );
    let many = format!(
        "parametrize(**{{\"v%d\" % n: [] for n in range({})}})",
        1001
    );
    mistake(
        &many,
        expect![[r#"
            exit: 1
            --- stderr
            error: `//:x`: `x` is parametrized into more than 1000 targets
              --> BUILD:1:1
               |
             1 | filegroup(name = "x", tags = parametrize(**{"v%d" % n: [] for n in range(1001)}))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: parametrize fewer attributes, or with fewer values
        "#]],
    );
    // A single value makes a target too (BLD-081).
    mistake(
        "parametrize(only = [\"a\"])",
        expect![[r#"
        exit: 0
        --- stdout
        //:x@tags=only
    "#]],
    );
}

/// A value of a .bzl file, and one by way of a macro, do as those of BUILD files.
#[test]
fn values_of_bzl_files() {
    let files = "
//- d.bzl
BOTH = parametrize(\"a\", \"b\")

def group(name, tags):
    native.filegroup(name = name, tags = parametrize(one = [tags], two = []))
//- BUILD
load(\":d.bzl\", \"BOTH\", \"group\")
filegroup(name = \"x\", output_group = BOTH)
group(name = \"y\", tags = \"t\")
";
    let output = Workspace::with(KILN, files).kiln("list //:all");
    expect![[r#"
        exit: 0
        --- stdout
        //:x@output_group=a
        //:x@output_group=b
        //:y@tags=one
        //:y@tags=two
    "#]]
    .assert_eq(&output.show());
}

/// Files of a small workspace whose `lib` is parametrized.
const DEPENDENTS: &str = "
//- BUILD
genrule(
    name = \"lib\",
    outs = [\"lib.txt\"],
    cmd = \"echo $@ > $@\",
    message = parametrize(\"a\", \"b\"),
    testonly = parametrize(yes = True, no = False),
)
genrule(name = \"same\", srcs = [\":lib\"], outs = [\"same.txt\"], cmd = \"cp $< $@\", message = \"a\")
genrule(
    name = \"file\",
    srcs = [\"lib.txt\"],
    outs = [\"file.txt\"],
    cmd = \"cp $< $@\",
    message = \"b\",
)
genrule(
    name = \"part\",
    srcs = [\":lib@message=b\"],
    outs = [\"part.txt\"],
    cmd = \"cp $< $@\",
    message = \"a\",
)
genrule(
    name = \"whole\",
    srcs = [\":lib@message=b,testonly=no\"],
    outs = [\"whole.txt\"],
    cmd = \"cp $< $@\",
)
alias(name = \"way\", actual = \":lib\")
genrule(name = \"around\", srcs = [\":way\"], outs = [\"around.txt\"], cmd = \"cp $< $@\", message = \"b\")
genrule(name = \"none\", srcs = [\":lib\"], outs = [\"none.txt\"], cmd = \"cp $< $@\", message = \"c\")
genrule(
    name = \"no_target\",
    srcs = [\":lib@message=c\"],
    outs = [\"no_target.txt\"],
    cmd = \"cp $< $@\",
)
filegroup(name = \"lacking\", srcs = [\":lib\"])
";

#[test]
fn a_dependent_chooses_by_its_own_values_bld_078_bld_079() {
    let workspace = Workspace::with(KILN, DEPENDENTS);
    let built = workspace.kiln("build //:same //:file //:part //:whole //:around");
    expect![[r#"
        exit: 0
        --- stderr
        built 5 targets in [TIME]; 7 actions: 7 run
    "#]]
    .assert_eq(&built.show());
    let read = |name: &str| {
        let path = format!("kiln-out/fastbuild/bin/{name}.txt");
        workspace.read(&path).unwrap_or_default()
    };
    let all = ["same", "file", "part", "whole", "around"].map(read);
    expect![[r#"
        kiln-out/fastbuild/bin/lib@message=a,testonly=no/lib.txt
        kiln-out/fastbuild/bin/lib@message=b,testonly=no/lib.txt
        kiln-out/fastbuild/bin/lib@message=b,testonly=no/lib.txt
        kiln-out/fastbuild/bin/lib@message=b,testonly=no/lib.txt
        kiln-out/fastbuild/bin/lib@message=b,testonly=no/lib.txt
    "#]]
    .assert_eq(&all.concat());
}

#[test]
fn a_dependent_that_chooses_none_is_told_which_there_are_bld_078_bld_080() {
    let workspace = Workspace::with(KILN, DEPENDENTS);
    expect![[r#"
        exit: 1
        --- stderr
        error: `//:lib` is parametrized, and may be several targets
          --> BUILD:31:32
            |
         31 | genrule(name = "none", srcs = [":lib"], outs = ["none.txt"], cmd = "cp $< $@", message = "c")
            |                                ^^^^^^
           = none has the same `message`, `testonly` as `//:none`
           = `//:lib` is in `srcs` of `//:none`
        hint: write one of `//:lib@message=a,testonly=yes`, `//:lib@message=a,testonly=no`, `//:lib@message=b,testonly=yes`, `//:lib@message=b,testonly=no`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]].assert_eq(&workspace.kiln("build //:none").show());
    expect![[r#"
        exit: 1
        --- stderr
        error: `//:lib` is parametrized, and may be several targets
          --> BUILD:38:37
            |
         38 | filegroup(name = "lacking", srcs = [":lib"])
            |                                     ^^^^^^
           = `//:lacking` has no `message` that could choose one
           = `//:lib` is in `srcs` of `//:lacking`
        hint: write one of `//:lib@message=a,testonly=yes`, `//:lib@message=a,testonly=no`, `//:lib@message=b,testonly=yes`, `//:lib@message=b,testonly=no`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]].assert_eq(&workspace.kiln("build //:lacking").show());
    expect![[r#"
        exit: 1
        --- stderr
        error: no such target `//:lib@message=c`: `lib` is parametrized, and has no such parameters
          --> BUILD:34:13
            |
         34 |     srcs = [":lib@message=c"],
            |             ^^^^^^^^^^^^^^^^
           = `//:lib@message=c` is in `srcs` of `//:no_target`
        hint: write one of `//:lib@message=a,testonly=yes`, `//:lib@message=a,testonly=no`, `//:lib@message=b,testonly=yes`, `//:lib@message=b,testonly=no`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]].assert_eq(&workspace.kiln("build //:no_target").show());
    expect![[r#"
        exit: 1
        --- stderr
        error: `//:way` is parametrized, and may be several targets
        hint: write one of `//:lib@message=a,testonly=yes`, `//:lib@message=a,testonly=no`, `//:lib@message=b,testonly=yes`, `//:lib@message=b,testonly=no`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]].assert_eq(&workspace.kiln("build //:way").show());
}

#[test]
fn on_the_command_line_a_bare_name_means_all() {
    let workspace = Workspace::with(KILN, DEPENDENTS);
    for pattern in [
        "//:lib",
        "//:lib@testonly=no",
        "//:lib@message=a,testonly=no",
        "lib.txt",
    ] {
        let output = workspace.kiln(&format!("list {pattern}"));
        assert_eq!(output.code, Some(0), "{}", output.show());
    }
    expect![[r#"
        exit: 0
        --- stdout
        //:lib@message=a,testonly=no
        //:lib@message=b,testonly=no
    "#]]
    .assert_eq(&workspace.kiln("list //:lib@testonly=no").show());
    expect![[r#"
        exit: 0
        --- stdout
        //:lib@message=a,testonly=no/lib.txt
        //:lib@message=a,testonly=yes/lib.txt
        //:lib@message=b,testonly=no/lib.txt
        //:lib@message=b,testonly=yes/lib.txt
    "#]]
    .assert_eq(&workspace.kiln("list //:lib.txt").show());
    expect![[r#"
        exit: 0
        --- stdout
        //:lib
        //:lib@message=a,testonly=no
        //:lib@message=a,testonly=yes
        //:lib@message=b,testonly=no
        //:lib@message=b,testonly=yes
        //:same
    "#]]
    .assert_eq(&workspace.kiln("query deps(//:same)").show());
    expect![[r#"
        exit: 0
        --- stdout
        //:lib
    "#]]
    .assert_eq(
        &workspace
            .kiln("query kind(parametrized,deps(//:same))")
            .show(),
    );
}

/// A dependent in a group prefers the same one (BLD-078).
#[test]
fn groups_go_together() {
    let files = "
//- BUILD
genrule(
    name = \"lib\",
    outs = [\"lib.txt\"],
    cmd = \"echo $@ > $@\",
    **parametrize(\"A\", message = \"a\") | parametrize(\"B\", message = \"b\")
)
genrule(
    name = \"top\",
    srcs = [\":lib\"],
    outs = [\"top.txt\"],
    cmd = \"cp $< $@\",
    **parametrize(\"A\", message = \"x\") | parametrize(\"C\", message = \"b\")
)
";
    let workspace = Workspace::with(KILN, files);
    expect![[r#"
        exit: 0
        --- stderr
        built 2 targets in [TIME]; 4 actions: 4 run
    "#]]
    .assert_eq(&workspace.kiln("build //:top").show());
    let read = |group: &str| {
        let path = format!("kiln-out/fastbuild/bin/top@parametrize={group}/top.txt");
        workspace.read(&path).unwrap_or_default()
    };
    expect![[r#"
        A: kiln-out/fastbuild/bin/lib@parametrize=A/lib.txt
        C: kiln-out/fastbuild/bin/lib@parametrize=B/lib.txt
    "#]]
    .assert_eq(&format!("A: {}C: {}", read("A"), read("C")));
}

/// The files of a genrule in two environments that come down to one (ENV-032).
#[test]
fn files_of_two_environments_do_not_collide() {
    let files = "
//- kiln.toml
[environments-preview.names]
one = \"//:one\"
two = \"//:two\"
//- BUILD
local_environment(name = \"one\")
local_environment(name = \"two\", compatible_platforms = [], fallback_environment = \"one\")
__defaults__(all = {\"environment\": parametrize(\"one\", \"two\")})
genrule(name = \"g\", outs = [\"g.txt\"], cmd = \"echo $@ > $@\")
genrule(name = \"user\", srcs = [\":g\"], outs = [\"user.txt\"], cmd = \"cat $< > $@\")
filegroup(name = \"files\", srcs = [\":g@environment=one\", \":g@environment=two\"])
";
    let workspace = Workspace::with(KILN, files);
    expect![[r#"
        exit: 0
        --- stderr
        built 4 targets in [TIME]; 4 actions: 4 run
    "#]]
    .assert_eq(&workspace.kiln("build //:user //:files").show());
    let read = |name: &str| {
        let path = format!("kiln-out/fastbuild-one/bin/user@environment={name}/user.txt");
        workspace.read(&path).unwrap_or_default()
    };
    expect![[r#"
        kiln-out/fastbuild-one/bin/g@environment=one/g.txt
        kiln-out/fastbuild-one/bin/g@environment=two/g.txt
    "#]]
    .assert_eq(&format!("{}{}", read("one"), read("two")));
}

/// Environments say all that they are, at a plain label (ENV-143, ENV-144).
#[test]
fn environments_have_neither_defaults_nor_parameters() {
    let names = "[environments-preview.names]\none = \"//:one\"";
    let one = "local_environment(name = \"one\", tags = parametrize(a = [], b = []))";
    check(
        names,
        one,
        "env list",
        expect![[r#"
        exit: 0
        --- stdout
        one  //:one  `//:one`: environments cannot be parametrized: they are named by plain labels
    "#]],
    );
    let defaults = "__defaults__({\"local_environment\": {\"compatible_platforms\": []}})";
    check(
        names,
        defaults,
        "env list",
        expect![[r#"
        exit: 0
        --- stdout
        one  //:one  `local_environment` cannot have defaults: what environments say must be plain to see
    "#]],
    );
    let all = "__defaults__(all = {\"compatible_platforms\": [], \"fallback_environment\": \"x\"})
local_environment(name = \"one\")";
    check(
        names,
        all,
        "env list",
        expect![[r#"
        exit: 0
        --- stdout
        one  //:one  local_environment
    "#]],
    );
}
