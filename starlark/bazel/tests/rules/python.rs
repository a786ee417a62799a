//! `py_library`, `py_binary`, `py_test`.

use expect_test::expect;

use crate::world::{check_files, check_in, world};

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
        "#]],
    );
}

#[test]
fn python_info() {
    let files = "=== p/BUILD\n\
        py_library(name = 'x', srcs = ['a.py'], imports = ['.'], pyi_srcs = ['a.pyi'], deps = [':b'])\n\
        py_library(name = 'b', srcs = ['b.py'], imports = ['inner'], data = ['c.so'])\n\
        === p/a.py p/a.pyi p/b.py p/c.so";
    let target = world(files).analyze("//p:x").expect("it is fine");
    let providers = kiln_bazel::provider_texts(&target).join("\n");
    expect![[r#"
        PyInfo(direct_original_sources = depset([<source file p/a.py>]),
        direct_pyc_files = depset([]),
        direct_pyi_files = depset([<source file p/a.pyi>]),
        has_py2_only_sources = False,
        has_py3_only_sources = True,
        imports = depset([depset(["_main/p/inner"]),
        "_main/p"]),
        transitive_implicit_pyc_files = depset([]),
        transitive_implicit_pyc_source_files = depset([]),
        transitive_original_sources = depset([<source file p/b.py>,
        <source file p/a.py>],
        order = "postorder"),
        transitive_pyc_files = depset([]),
        transitive_pyi_files = depset([<source file p/a.pyi>]),
        transitive_sources = depset([<source file p/b.py>,
        <source file p/a.py>],
        order = "postorder"),
        uses_shared_libraries = True,
        venv_symlinks = depset([]))"#]]
    .assert_eq(&providers.replace(", ", ",\n"));
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
    check_files(
        files,
        "//p/q:x",
        expect![[r##"
        files: bin/p/q/x p/q/x.py p/q/y.py
        executable: bin/p/q/x
        runfiles: _main/p/__init__.py _main/p/lib.py _main/p/q/__init__.py _main/p/q/d.txt _main/p/q/x _main/p/q/x.py _main/p/q/y.py
        data runfiles: _main/p/__init__.py _main/p/lib.py _main/p/q/__init__.py _main/p/q/d.txt _main/p/q/x _main/p/q/x.py _main/p/q/y.py
        args: p/q/d.txt
        FileWrite -> bin/p/q/x
          program: "#!/bin/sh\n''':'\nset -u\nmain='_main/p/q/x.py'\n\n# Is this the runfiles tree that holds the main file?\nfits() {\n  [ -e \"$1/$main\" ]\n}\n\n# The tree beside the program, or the tree that the program lies in.\nbeside() {\n  runfiles=$1.runfiles\n  fits \"$runfiles\" && return\n  case $1 in\n    *.runfiles/*) runfiles=${1%.runfiles/*}.runfiles; fits \"$runfiles\" && return ;;\n  esac\n  return 1\n}\n\nfind_runfiles() {\n  runfiles=${RUNFILES_DIR:-}\n  [ -n \"$runfiles\" ] && fits \"$runfiles\" && return\n  program=$0\n  case $program in\n    /*) ;;\n    */*) program=$PWD/$program ;;\n    *) program=$(command -v -- \"$program\") ;;\n  esac\n  # Somebody may have put a link to the program elsewhere.\n  while ! beside \"$program\"; do\n    [ -L \"$program\" ] || return 1\n    link=$(readlink \"$program\")\n    case $link in\n      /*) program=$link ;;\n      *) program=${program%/*}/$link ;;\n    esac\n  done\n}\n\nif ! find_runfiles; then\n  echo \"$0: cannot find the runfiles of this program (no $main in \\$RUNFILES_DIR, nor beside $0)\" >&2\n  exit 1\nfi\ncase $runfiles in\n  /*) ;;\n  *) runfiles=$PWD/$runfiles ;;\nesac\n\n# Whatever is listed stands after the top of the runfiles, and all repositories after that.\npath=$runfiles\nfor folder in '_main/p'; do\n  path=$path:$runfiles/$folder\ndone\nfor folder in \"$runfiles\"/*/; do\n  folder=${folder%/}\n  case :$path: in\n    *\":$folder:\"*) ;;\n    *) path=$path:$folder ;;\n  esac\ndone\n\nexport PYTHONPATH=\"$path${PYTHONPATH:+:$PYTHONPATH}\"\nexport PYTHONSAFEPATH=1\nexport RUNFILES_DIR=\"$runfiles\"\nexec '/usr/bin/python3' \"$runfiles/$main\" \"$@\"\n'''\nimport os\nimport sys\n\nos.execv(\"/bin/sh\", [\"/bin/sh\", os.path.abspath(__file__)] + sys.argv[1:])\n"
    "##]],
    );
    check_files(
        files,
        "//p/q:tests/deep",
        expect![[r##"
        files: bin/p/q/tests/deep p/q/tests/deep.py
        executable: bin/p/q/tests/deep
        runfiles: _main/p/q/tests/deep _main/p/q/tests/deep.py
        data runfiles: _main/p/q/tests/deep _main/p/q/tests/deep.py
        FileWrite -> bin/p/q/tests/deep
          program: "#!/bin/sh\n''':'\nset -u\nmain='_main/p/q/tests/deep.py'\n\n# Is this the runfiles tree that holds the main file?\nfits() {\n  [ -e \"$1/$main\" ]\n}\n\n# The tree beside the program, or the tree that the program lies in.\nbeside() {\n  runfiles=$1.runfiles\n  fits \"$runfiles\" && return\n  case $1 in\n    *.runfiles/*) runfiles=${1%.runfiles/*}.runfiles; fits \"$runfiles\" && return ;;\n  esac\n  return 1\n}\n\nfind_runfiles() {\n  runfiles=${RUNFILES_DIR:-}\n  [ -n \"$runfiles\" ] && fits \"$runfiles\" && return\n  program=$0\n  case $program in\n    /*) ;;\n    */*) program=$PWD/$program ;;\n    *) program=$(command -v -- \"$program\") ;;\n  esac\n  # Somebody may have put a link to the program elsewhere.\n  while ! beside \"$program\"; do\n    [ -L \"$program\" ] || return 1\n    link=$(readlink \"$program\")\n    case $link in\n      /*) program=$link ;;\n      *) program=${program%/*}/$link ;;\n    esac\n  done\n}\n\nif ! find_runfiles; then\n  echo \"$0: cannot find the runfiles of this program (no $main in \\$RUNFILES_DIR, nor beside $0)\" >&2\n  exit 1\nfi\ncase $runfiles in\n  /*) ;;\n  *) runfiles=$PWD/$runfiles ;;\nesac\n\n# Whatever is listed stands after the top of the runfiles, and all repositories after that.\npath=$runfiles\nfor folder in ; do\n  path=$path:$runfiles/$folder\ndone\nfor folder in \"$runfiles\"/*/; do\n  folder=${folder%/}\n  case :$path: in\n    *\":$folder:\"*) ;;\n    *) path=$path:$folder ;;\n  esac\ndone\n\nexport PYTHONPATH=\"$path${PYTHONPATH:+:$PYTHONPATH}\"\nexport PYTHONSAFEPATH=1\nexport RUNFILES_DIR=\"$runfiles\"\nexec '/usr/bin/python3' \"$runfiles/$main\" \"$@\"\n'''\nimport os\nimport sys\n\nos.execv(\"/bin/sh\", [\"/bin/sh\", os.path.abspath(__file__)] + sys.argv[1:])\n"
    "##]],
    );
    check_files(
        files,
        "//p/q:none",
        expect![[r#"
            error: //p/q:none has no `none.py` in `srcs`
              --> p/q/BUILD:5:1
               |
             5 | py_binary(name = "none", srcs = ["y.py"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//p/q:none` (py_binary, declared at p/q/BUILD:5:1)
            hint: name the file to run: `main = "y.py"`
        "#]],
    );
    let mut world = world(files);
    for (label, expected) in [
        (
            "//p/q:named",
            expect![[r#"exec '/usr/bin/python3' '-X' 'it'\\''s' \"$runfiles/$main\" \"$@\""#]],
        ),
        (
            "//p/q:module",
            expect![[r#"exec '/usr/bin/python3' -m 'p.q.y' \"$@\""#]],
        ),
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
    check_in(
        &mut world,
        "//:x",
        expect![[r#"
            error: //:x needs Python 3, and there is no `python3` where it is looked for
              --> BUILD:1:1
               |
             1 | py_binary(name = 'x', srcs = ['x.py'])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (py_binary, declared at BUILD:1:1)
            hint: install it, on Debian: `apt install python3`, or say in which folder it is: `--python_bootstrap_search_path`
        "#]],
    );
}
