//! `genrule`.

use expect_test::expect;

use crate::world::{check, check_files, world};

#[test]
fn a_genrule() {
    check(
        "a.txt b.txt tool.sh data.txt",
        r#"
sh_binary(name = "tool", srcs = ["tool.sh"], data = ["data.txt"])
genrule(
    name = "x",
    srcs = ["a.txt", "b.txt"],
    outs = ["o1", "sub/o2"],
    cmd = "$(location :tool) $(SRCS) $(location a.txt) > $(location o1) && echo $$HOME '$$(location a.txt)' $$$(location a.txt) $(OUTS) $(@D) $(RULEDIR) $(BINDIR) > $(execpath sub/o2)",
    tools = [":tool"],
    tags = ["no-cache", "other"],
    message = "Making",
    local = True,
)
"#,
        expect![[r#"
            files: bin/o1 bin/sub/o2
            data runfiles: _main/o1 _main/sub/o2
            Genrule -> bin/o1 bin/sub/o2
              progress: Making
              argv: /bin/bash
              argv: -c unset TEST_TMPDIR; set -e -o pipefail; kiln-out/exec-opt/bin/tool a.txt b.txt a.txt > bin/o1 && echo $HOME '$(location a.txt)' $a.txt bin/o1 bin/sub/o2 bin bin bin > bin/sub/o2
              inputs: a.txt b.txt kiln-out/exec-opt/bin/tool tool.sh
              tool: kiln-out/exec-opt/bin/tool with _main/data.txt _main/tool _main/tool.sh
              env: default
              requirements: local= no-cache=
        "#]],
    );
}

#[test]
fn a_genrule_of_one_file() {
    check_files(
        "=== p/BUILD\n\
         genrule(name = 'x', srcs = ['a'], outs = ['d/o'], cmd = 'cp $< $@; ls $(@D)', executable = 1)\n\
         === p/a",
        "//p:x",
        expect![[r#"
            files: bin/p/d/o
            executable: bin/p/d/o
            runfiles: _main/p/d/o
            Genrule -> bin/p/d/o
              progress: Executing genrule //p:x
              argv: /bin/bash
              argv: -c unset TEST_TMPDIR; set -e -o pipefail; cp p/a bin/p/d/o; ls bin/p/d
              inputs: p/a
              env: default
        "#]],
    );
    check(
        "a",
        "genrule(name = 'x', srcs = ['a'], outs = ['o'], cmd = 'no', cmd_bash = 'yes > $(@)', cmd_bat = 'x')",
        expect![[r#"
            files: bin/o
            data runfiles: _main/o
            Genrule -> bin/o
              progress: Executing genrule //:x
              argv: /bin/bash
              argv: -c unset TEST_TMPDIR; set -e -o pipefail; yes > bin/o
              inputs: a
              env: default
        "#]],
    );
}

#[test]
fn mistakes_in_genrules() {
    check(
        "a",
        "genrule(name = 'x', outs = ['o', 'p'], cmd = 'touch $@')",
        expect![[r#"
            error: `$@` in `cmd` stands for the one file of `outs`, which has 2
              --> BUILD:1:1
               |
             1 | genrule(name = 'x', outs = ['o', 'p'], cmd = 'touch $@')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: write `$(OUTS)` for all, or `$(location …)` for one of them
        "#]],
    );
    check(
        "a",
        "genrule(name = 'x', outs = ['o'], cmd = 'cp $< $@')",
        expect![[r#"
            error: `$<` in `cmd` stands for the one file of `srcs`, which has 0
              --> BUILD:1:1
               |
             1 | genrule(name = 'x', outs = ['o'], cmd = 'cp $< $@')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: write `$(SRCS)` for all, or `$(location …)` for one of them
        "#]],
    );
    check(
        "a",
        "genrule(name = 'x', outs = ['o'])",
        expect![[r#"
            error: a genrule needs a command
              --> BUILD:1:1
               |
             1 | genrule(name = 'x', outs = ['o'])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: add `cmd = "…"`
        "#]],
    );
    check(
        "a",
        "genrule(name = 'x', outs = [], cmd = 'x')",
        expect![[r#"
            error: attribute `outs` of genrule `//:x`: it must not be empty
              --> BUILD:1:21
               |
             1 | genrule(name = 'x', outs = [], cmd = 'x')
               |                     ^^^^^^^^^
            hint: give it a value, or leave it out
        "#]],
    );
    check(
        "a",
        "genrule(name = 'x', outs = ['o', 'p'], cmd = 'x', executable = True)",
        expect![[r#"
            error: an executable genrule makes exactly one file; `outs` has 2
              --> BUILD:1:1
               |
             1 | genrule(name = 'x', outs = ['o', 'p'], cmd = 'x', executable = True)
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: leave one output, or drop `executable`
        "#]],
    );
    check(
        "a",
        "genrule(name = 'x', outs = ['o'], cmd = 'echo $HOME')",
        expect![[r#"
            error: unknown make variable `H` in `$H`
              --> BUILD:1:1
               |
             1 | genrule(name = 'x', outs = ['o'], cmd = 'echo $HOME')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in the attribute `cmd`
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: write `$$` for a plain `$`
        "#]],
    );
    check(
        "a",
        "genrule(name = 'x', outs = ['o'], cmd = 'cat $(location a)')",
        expect![[r#"
            error: label `a` is no dependency of this target in `$(location a)`
              --> BUILD:1:1
               |
             1 | genrule(name = 'x', outs = ['o'], cmd = 'cat $(location a)')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: put `a` into `srcs` or `tools`
        "#]],
    );
    // `$$@` is the shell's.
    check(
        "a",
        "genrule(name = 'x', outs = ['o', 'p'], cmd = 'echo $$@')",
        expect![[r#"
            files: bin/o bin/p
            data runfiles: _main/o _main/p
            Genrule -> bin/o bin/p
              progress: Executing genrule //:x
              argv: /bin/bash
              argv: -c unset TEST_TMPDIR; set -e -o pipefail; echo $@
              env: default
        "#]],
    );
}

#[test]
fn a_long_command_is_a_script() {
    let build = "genrule(name = 'x', outs = ['o'], cmd = 'echo ' + 'x' * 70000)";
    let mut world = world(&format!("=== BUILD\n{build}"));
    let target = world.analyze("//:x").expect("it is fine");
    let text = crate::harness::describe(&target).replace(&"x".repeat(70000), "x…");
    expect![[r#"
        files: bin/o
        data runfiles: _main/o
        FileWrite -> bin/x.genrule_script.sh
          program: "unset TEST_TMPDIR; set -e -o pipefail; echo x…"
        Genrule -> bin/o
          progress: Executing genrule //:x
          argv: /bin/bash
          argv: bin/x.genrule_script.sh
          inputs: bin/x.genrule_script.sh
          env: default
    "#]]
    .assert_eq(&crate::world::shorten(&text));
}

#[test]
fn make_variables_of_toolchains() {
    check(
        "",
        r#"
load("@bazel_skylib//rules:common_settings.bzl", "string_flag")
string_flag(name = "flag", build_setting_default = "v", make_variable = "FLAG")
genrule(
    name = "x",
    outs = ["o"],
    cmd = "$(CC) $(FLAG) > $@",
    toolchains = ["@bazel_tools//tools/cpp:current_cc_toolchain", ":flag"],
)
"#,
        expect![[r#"
            files: bin/o
            data runfiles: _main/o
            Genrule -> bin/o
              progress: Executing genrule //:x
              argv: /bin/bash
              argv: -c unset TEST_TMPDIR; set -e -o pipefail; /usr/bin/gcc v > bin/o
              env: default
        "#]],
    );
}
