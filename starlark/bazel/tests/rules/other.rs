//! `genrule`, `sh_*`, `py_*`, `filegroup`.

use expect_test::expect;

use crate::world::{check, check_files, check_in, world};

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
    cmd = "$(location :tool) $(SRCS) $(location a.txt) > $(location o1) && echo $$HOME $(OUTS) $(@D) $(RULEDIR) $(BINDIR) > $(execpath sub/o2)",
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
              argv: -c unset TEST_TMPDIR; set -e -o pipefail; kiln-out/exec-opt/bin/tool a.txt b.txt a.txt > bin/o1 && echo $HOME bin/o1 bin/sub/o2 bin bin bin > bin/sub/o2
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
    check("a", "genrule(name = 'x', outs = ['o', 'p'], cmd = 'touch $@')", expect![[r#"
        error: `$@` in `cmd` stands for the one file of `outs`, which has 2
          --> external/kiln_builtins/core/genrule.bzl:13:5
            |
         13 |     fail("`%s` in `cmd` stands for the one file of `%s`, which has %d" % (
            |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `_one` was called from external/kiln_builtins/core/genrule.bzl:35:26
           = `_variables` was called from external/kiln_builtins/core/genrule.bzl:50:9
           = `_command` was called from external/kiln_builtins/core/genrule.bzl:84:15
           = in `//:x` (genrule, declared at BUILD:1:1)
    "#]]);
    check("a", "genrule(name = 'x', outs = ['o'], cmd = 'cp $< $@')", expect![[r#"
        error: `$<` in `cmd` stands for the one file of `srcs`, which has 0
          --> external/kiln_builtins/core/genrule.bzl:13:5
            |
         13 |     fail("`%s` in `cmd` stands for the one file of `%s`, which has %d" % (
            |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `_one` was called from external/kiln_builtins/core/genrule.bzl:37:26
           = `_variables` was called from external/kiln_builtins/core/genrule.bzl:50:9
           = `_command` was called from external/kiln_builtins/core/genrule.bzl:84:15
           = in `//:x` (genrule, declared at BUILD:1:1)
    "#]]);
    check("a", "genrule(name = 'x', outs = ['o'])", expect![[r#"
        error: one of `cmd` and `cmd_bash` must be given
          --> external/kiln_builtins/core/genrule.bzl:44:9
            |
         44 |         fail("one of `cmd` and `cmd_bash` must be given")
            |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `_command` was called from external/kiln_builtins/core/genrule.bzl:84:15
           = in `//:x` (genrule, declared at BUILD:1:1)
    "#]]);
    check("a", "genrule(name = 'x', outs = [], cmd = 'x')", expect![[r#"
        error: attribute `outs` of genrule `//:x`: it must not be empty
          --> BUILD:1:21
           |
         1 | genrule(name = 'x', outs = [], cmd = 'x')
           |                     ^^^^^^^^^
    "#]]);
    check("a", "genrule(name = 'x', outs = ['o', 'p'], cmd = 'x', executable = True)", expect![[r#"
        error: an executable genrule makes exactly one file; `outs` has 2
          --> external/kiln_builtins/core/genrule.bzl:81:9
            |
         81 |         fail("an executable genrule makes exactly one file; `outs` has %d" % len(outs))
            |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (genrule, declared at BUILD:1:1)
    "#]]);
    check("a", "genrule(name = 'x', outs = ['o'], cmd = 'echo $HOME')", expect![[r#"
        error: unknown make variable `H` (write `$$` for a plain `$`) in `$H`
          --> external/kiln_builtins/common/expand.bzl:20:12
            |
         20 |     return ctx.expand_make_variables(attribute, text, variables)
            |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in the attribute `cmd`
           = `expand` was called from external/kiln_builtins/core/genrule.bzl:45:12
           = `_command` was called from external/kiln_builtins/core/genrule.bzl:84:15
           = in `//:x` (genrule, declared at BUILD:1:1)
    "#]]);
    check("a", "genrule(name = 'x', outs = ['o'], cmd = 'cat $(location a)')", expect![[r#"
        error: label `a` is no dependency of this target in `$(location a)`
          --> external/kiln_builtins/common/expand.bzl:19:16
            |
         19 |         text = ctx.expand_location(text, targets)
            |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `expand` was called from external/kiln_builtins/core/genrule.bzl:45:12
           = `_command` was called from external/kiln_builtins/core/genrule.bzl:84:15
           = in `//:x` (genrule, declared at BUILD:1:1)
    "#]]);
    // `$$@` is the shell's.
    check("a", "genrule(name = 'x', outs = ['o', 'p'], cmd = 'echo $$@')", expect![[r#"
        files: bin/o bin/p
        data runfiles: _main/o _main/p
        Genrule -> bin/o bin/p
          progress: Executing genrule //:x
          argv: /bin/bash
          argv: -c unset TEST_TMPDIR; set -e -o pipefail; echo $@
          env: default
    "#]]);
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
    "#]].assert_eq(&crate::world::shorten(&text));
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

#[test]
fn shell_scripts() {
    let files = r#"
=== BUILD
sh_library(name = "lib", srcs = ["lib.sh"], data = ["d.txt"])
sh_test(name = "x", srcs = ["x.sh"], deps = [":lib", "@bazel_tools//tools/bash/runfiles"], args = ["a b", "'c d'"])
sh_binary(name = "two", srcs = ["x.sh", "lib.sh"])
=== x.sh lib.sh d.txt
"#;
    check_files(files, "//:x", expect![[r#"
        files: bin/x x.sh
        executable: bin/x
        runfiles: _main/d.txt _main/lib.sh _main/x _main/x.sh bazel_tools/tools/bash/runfiles/runfiles.bash
        data runfiles: _main/d.txt _main/lib.sh _main/x _main/x.sh bazel_tools/tools/bash/runfiles/runfiles.bash
        args: a | b | c d
        provider: RunEnvironmentInfo(environment = {}, inherited_environment = [])
        ExecutableSymlink -> bin/x
          program link: x.sh
    "#]]);
    check_files(files, "//:two", expect![[r#"
        error: `srcs` of Label("@@//:two") must be exactly one file; it is 2
          --> external/kiln_builtins/sh/sh.bzl:19:9
            |
         19 |         fail("`srcs` of %s must be exactly one file; it is %d" % (ctx.label, len(ctx.files.srcs)))
            |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:two` (sh_binary, declared at BUILD:3:1)
    "#]]);
}

#[test]
fn python_libraries() {
    check_files(
        r#"
=== p/BUILD
py_library(name = "x", srcs = ["a.py"], data = ["d.txt"], imports = [".", "../lib"], deps = ["@dep//:d"])
=== @dep/BUILD
py_library(name = "d", srcs = ["d.py"], imports = ["src"], visibility = ["//visibility:public"])
=== p/a.py p/d.txt @dep/d.py
"#,
        "//p:x",
        expect![[r#"
            files: p/a.py
            runfiles: _main/p/a.py _main/p/d.txt dep/d.py
            provider: PyInfo(direct_original_sources = depset([<source file p/a.py>]), direct_pyc_files = depset([]), direct_pyi_files = depset([]), has_py2_only_sources = False, has_py3_only_sources = True, imports = depset([depset(["dep/src"]), "_main/p", "_main/lib"]), transitive_implicit_pyc_files = depset([]), transitive_implicit_pyc_source_files = depset([]), transitive_original_sources = depset([<source file ../dep/d.py>, <source file p/a.py>], order = "postorder"), transitive_pyc_files = depset([]), transitive_pyi_files = depset([]), transitive_sources = depset([<source file ../dep/d.py>, <source file p/a.py>], order = "postorder"), uses_shared_libraries = False, venv_symlinks = depset([]))
        "#]],
    );
}

#[test]
fn python_tests() {
    let files = r#"
=== p/q/BUILD
py_test(name = "x", srcs = ["x.py", "y.py"], deps = ["//p:lib"], data = ["d.txt"], args = ["$(location d.txt)"])
py_binary(name = "tests/deep", srcs = ["tests/deep.py"], legacy_create_init = 0)
py_binary(name = "named", srcs = ["y.py"], main = "y.py", interpreter_args = ["-X", "it's"])
py_binary(name = "module", srcs = ["y.py"], main_module = "p.q.y")
py_binary(name = "none", srcs = ["y.py"])
=== p/BUILD
py_library(name = "lib", srcs = ["lib.py"], imports = ["."], visibility = ["//visibility:public"])
=== p/q/x.py p/q/y.py p/q/d.txt p/lib.py p/q/tests/deep.py
"#;
    check_files(files, "//p/q:x", expect![[r##"
        files: bin/p/q/x p/q/x.py p/q/y.py
        executable: bin/p/q/x
        runfiles: _main/p/__init__.py _main/p/lib.py _main/p/q/__init__.py _main/p/q/d.txt _main/p/q/x _main/p/q/x.py _main/p/q/y.py
        data runfiles: _main/p/__init__.py _main/p/lib.py _main/p/q/__init__.py _main/p/q/d.txt _main/p/q/x _main/p/q/x.py _main/p/q/y.py
        args: p/q/d.txt
        provider: PyInfo(direct_original_sources = depset([<source file p/q/x.py>, <source file p/q/y.py>]), direct_pyc_files = depset([]), direct_pyi_files = depset([]), has_py2_only_sources = False, has_py3_only_sources = True, imports = depset([depset(["_main/p"])]), transitive_implicit_pyc_files = depset([]), transitive_implicit_pyc_source_files = depset([]), transitive_original_sources = depset([<source file p/lib.py>, <source file p/q/x.py>, <source file p/q/y.py>], order = "postorder"), transitive_pyc_files = depset([]), transitive_pyi_files = depset([]), transitive_sources = depset([<source file p/lib.py>, <source file p/q/x.py>, <source file p/q/y.py>], order = "postorder"), uses_shared_libraries = False, venv_symlinks = depset([]))
        provider: PyExecutableInfo(interpreter_args = [], interpreter_path = "/usr/bin/python3", main = <source file p/q/x.py>, runfiles_without_exe = <runfiles>)
        provider: RunEnvironmentInfo(environment = {}, inherited_environment = [])
        FileWrite -> bin/p/q/x
          program: "#!/bin/sh\n''':'\nset -u\nmain='_main/p/q/x.py'\n\n# Is this the runfiles tree that holds the main file?\nfits() {\n  [ -e \"$1/$main\" ]\n}\n\n# The tree beside the program, or the tree that the program lies in.\nbeside() {\n  runfiles=$1.runfiles\n  fits \"$runfiles\" && return\n  case $1 in\n    *.runfiles/*) runfiles=${1%.runfiles/*}.runfiles; fits \"$runfiles\" && return ;;\n  esac\n  return 1\n}\n\nfind_runfiles() {\n  runfiles=${RUNFILES_DIR:-}\n  [ -n \"$runfiles\" ] && fits \"$runfiles\" && return\n  program=$0\n  case $program in\n    /*) ;;\n    */*) program=$PWD/$program ;;\n    *) program=$(command -v -- \"$program\") ;;\n  esac\n  # Somebody may have put a link to the program elsewhere.\n  while ! beside \"$program\"; do\n    [ -L \"$program\" ] || return 1\n    link=$(readlink \"$program\")\n    case $link in\n      /*) program=$link ;;\n      *) program=${program%/*}/$link ;;\n    esac\n  done\n}\n\nif ! find_runfiles; then\n  echo \"$0: cannot find the runfiles of this program (no $main in \\$RUNFILES_DIR, nor beside $0)\" >&2\n  exit 1\nfi\ncase $runfiles in\n  /*) ;;\n  *) runfiles=$PWD/$runfiles ;;\nesac\n\n# Whatever is listed stands after the top of the runfiles, and all repositories after that.\npath=$runfiles\nfor folder in '_main/p'; do\n  path=$path:$runfiles/$folder\ndone\nfor folder in \"$runfiles\"/*/; do\n  folder=${folder%/}\n  case :$path: in\n    *\":$folder:\"*) ;;\n    *) path=$path:$folder ;;\n  esac\ndone\n\nexport PYTHONPATH=\"$path${PYTHONPATH:+:$PYTHONPATH}\"\nexport PYTHONSAFEPATH=1\nexport RUNFILES_DIR=\"$runfiles\"\nexec '/usr/bin/python3' \"$runfiles/$main\" \"$@\"\n'''\nimport os\nimport sys\n\nos.execv(\"/bin/sh\", [\"/bin/sh\", os.path.abspath(__file__)] + sys.argv[1:])\n"
    "##]]);
    check_files(files, "//p/q:tests/deep", expect![[r##"
        files: bin/p/q/tests/deep p/q/tests/deep.py
        executable: bin/p/q/tests/deep
        runfiles: _main/p/q/tests/deep _main/p/q/tests/deep.py
        data runfiles: _main/p/q/tests/deep _main/p/q/tests/deep.py
        provider: PyInfo(direct_original_sources = depset([<source file p/q/tests/deep.py>]), direct_pyc_files = depset([]), direct_pyi_files = depset([]), has_py2_only_sources = False, has_py3_only_sources = True, imports = depset([]), transitive_implicit_pyc_files = depset([]), transitive_implicit_pyc_source_files = depset([]), transitive_original_sources = depset([<source file p/q/tests/deep.py>], order = "postorder"), transitive_pyc_files = depset([]), transitive_pyi_files = depset([]), transitive_sources = depset([<source file p/q/tests/deep.py>], order = "postorder"), uses_shared_libraries = False, venv_symlinks = depset([]))
        provider: PyExecutableInfo(interpreter_args = [], interpreter_path = "/usr/bin/python3", main = <source file p/q/tests/deep.py>, runfiles_without_exe = <runfiles>)
        provider: RunEnvironmentInfo(environment = {}, inherited_environment = [])
        FileWrite -> bin/p/q/tests/deep
          program: "#!/bin/sh\n''':'\nset -u\nmain='_main/p/q/tests/deep.py'\n\n# Is this the runfiles tree that holds the main file?\nfits() {\n  [ -e \"$1/$main\" ]\n}\n\n# The tree beside the program, or the tree that the program lies in.\nbeside() {\n  runfiles=$1.runfiles\n  fits \"$runfiles\" && return\n  case $1 in\n    *.runfiles/*) runfiles=${1%.runfiles/*}.runfiles; fits \"$runfiles\" && return ;;\n  esac\n  return 1\n}\n\nfind_runfiles() {\n  runfiles=${RUNFILES_DIR:-}\n  [ -n \"$runfiles\" ] && fits \"$runfiles\" && return\n  program=$0\n  case $program in\n    /*) ;;\n    */*) program=$PWD/$program ;;\n    *) program=$(command -v -- \"$program\") ;;\n  esac\n  # Somebody may have put a link to the program elsewhere.\n  while ! beside \"$program\"; do\n    [ -L \"$program\" ] || return 1\n    link=$(readlink \"$program\")\n    case $link in\n      /*) program=$link ;;\n      *) program=${program%/*}/$link ;;\n    esac\n  done\n}\n\nif ! find_runfiles; then\n  echo \"$0: cannot find the runfiles of this program (no $main in \\$RUNFILES_DIR, nor beside $0)\" >&2\n  exit 1\nfi\ncase $runfiles in\n  /*) ;;\n  *) runfiles=$PWD/$runfiles ;;\nesac\n\n# Whatever is listed stands after the top of the runfiles, and all repositories after that.\npath=$runfiles\nfor folder in ; do\n  path=$path:$runfiles/$folder\ndone\nfor folder in \"$runfiles\"/*/; do\n  folder=${folder%/}\n  case :$path: in\n    *\":$folder:\"*) ;;\n    *) path=$path:$folder ;;\n  esac\ndone\n\nexport PYTHONPATH=\"$path${PYTHONPATH:+:$PYTHONPATH}\"\nexport PYTHONSAFEPATH=1\nexport RUNFILES_DIR=\"$runfiles\"\nexec '/usr/bin/python3' \"$runfiles/$main\" \"$@\"\n'''\nimport os\nimport sys\n\nos.execv(\"/bin/sh\", [\"/bin/sh\", os.path.abspath(__file__)] + sys.argv[1:])\n"
    "##]]);
    check_files(files, "//p/q:none", expect![[r#"
        error: Label("@@//p/q:none") has no `none.py` in `srcs`; name the file to run by `main`
          --> external/kiln_builtins/py/py_binary.bzl:20:5
            |
         20 |     fail("%s has no `%s` in `srcs`; name the file to run by `main`" % (ctx.label, name))
            |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `_main_file` was called from external/kiln_builtins/py/py_binary.bzl:30:12
           = in `//p/q:none` (py_binary, declared at p/q/BUILD:5:1)
    "#]]);
    let mut world = world(files);
    for (label, expected) in [
        ("//p/q:named", expect![[r#"exec '/usr/bin/python3' '-X' 'it'\\''s' \"$runfiles/$main\" \"$@\""#]]),
        ("//p/q:module", expect![[r#"exec '/usr/bin/python3' -m 'p.q.y' \"$@\""#]]),
    ] {
        let target = world.analyze(label).expect("it is fine");
        let text = crate::harness::describe(&target);
        // The last line of the launcher's shell part.
        let exec = text.split("\\n").find(|line| line.starts_with("exec"));
        expected.assert_eq(exec.unwrap_or("no such line"));
    }
}

#[test]
fn without_python() {
    let mut world = world("=== x.py\n=== BUILD\npy_binary(name = 'x', srcs = ['x.py'])");
    if let Some(machine) = &mut world.machine {
        machine.python = None;
    }
    check_in(&mut world, "//:x", expect![[r#"
        error: Label("@@//:x") needs Python 3, and none was found on this machine (hint: install `python3`)
          --> external/kiln_builtins/py/py_binary.bzl:25:9
            |
         25 |         fail("%s needs Python 3, and none was found on this machine (hint: install `python3`)" % ctx.label)
            |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `_interpreter` was called from external/kiln_builtins/py/py_binary.bzl:29:19
           = in `//:x` (py_binary, declared at BUILD:1:1)
    "#]]);
}

#[test]
fn groups_of_files() {
    check(
        "a.txt b.txt d.txt l.cc",
        r#"
filegroup(name = "inner", srcs = ["a.txt"], data = ["d.txt"])
filegroup(name = "x", srcs = ["b.txt", ":inner"])
"#,
        expect![[r#"
            files: b.txt a.txt
            runfiles: _main/d.txt
            data runfiles: _main/a.txt _main/b.txt _main/d.txt
        "#]],
    );
    check(
        "l.cc",
        r#"
cc_library(name = "l", srcs = ["l.cc"])
filegroup(name = "x", srcs = [":l"], output_group = "archive")
"#,
        expect![[r#"
            files: bin/libl.a
            data runfiles: _main/libl.a
        "#]],
    );
}

#[test]
fn rules_that_only_load() {
    check("a.m", "load('@rules_cc//cc:objc_library.bzl', 'objc_library')\nobjc_library(name = 'x', srcs = ['a.m'])", expect![[r#"
        error: Label("@@//:x") needs Objective-C, which kiln does not build (hint: `target_compatible_with = ["@platforms//os:macos"]` skips it)
          --> external/kiln_builtins/cc/objc.bzl:9:5
           |
         9 |     fail("%s needs Objective-C, which kiln does not build (hint: `target_compatible_with = [\"@platforms//os:macos\"]` skips it)" % ctx.label)
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (objc_library, declared at BUILD:2:1)
    "#]]);
    check("", "cc_toolchain(name = 'x', toolchain_config = ':c', all_files = ':c')\nfilegroup(name = 'c')", expect![[r#"
        provider: ToolchainInfo()
    "#]]);
    check("", "java_library(name = 'x')", expect![[r#"
        error: `java_library` is not defined
          --> BUILD:1:1
           |
         1 | java_library(name = 'x')
           | ^^^^^^^^^^^^
        hint: did you mean `cc_library` or `py_library` or `sh_library`?
    "#]]);
}
