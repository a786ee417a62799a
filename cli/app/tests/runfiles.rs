//! Runfiles trees: how programs find the files of repositories by the names they know these by.

use expect_test::expect;
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// The root calls the module `lib` by another name, and `lib` calls itself and the root by others.
const FILES: &str = r##"
//- MODULE.bazel
module(name = "test", repo_name = "me")
bazel_dep(name = "lib", repo_name = "the_lib")
local_path_override(module_name = "lib", path = "lib")
//- lib/MODULE.bazel
module(name = "lib", repo_name = "myself")
bazel_dep(name = "test", repo_name = "user")
//- lib/BUILD
package(default_visibility = ["//visibility:public"])
exports_files(["lib.txt"])
py_library(
    name = "finder",
    srcs = ["finder.py"],
    data = ["lib.txt"],
    deps = ["@rules_python//python/runfiles"],
)
sh_library(
    name = "finder_sh",
    srcs = ["finder.sh"],
    data = ["lib.txt"],
    deps = ["@bazel_tools//tools/bash/runfiles"],
)
//- lib/lib.txt
of the library
//- lib/finder.py
from python.runfiles import runfiles

def texts():
    found = runfiles.Create()
    # As this repository calls them: the library finds out where its own file is.
    return [open(found.Rlocation(name)).read() for name in ["myself/lib.txt", "user/own.txt"]]
//- lib/finder.sh
finder_texts() {
  local here; here="$(runfiles_current_repository)"
  cat "$(rlocation myself/lib.txt "$here")" "$(rlocation user/own.txt "$here")"
}
//- own.txt
of the root
//- BUILD
py_test(
    name = "py",
    srcs = ["py.py"],
    data = ["own.txt"],
    deps = ["@the_lib//:finder"],
)
sh_test(
    name = "sh",
    srcs = ["sh.sh"],
    data = ["own.txt"],
    deps = ["@the_lib//:finder_sh"],
)
sh_binary(
    name = "program",
    srcs = ["program.sh"],
    data = ["own.txt", "with blank.txt", "@the_lib//:lib.txt"],
)
//- with blank.txt
//- py.py
import finder
from python.runfiles import runfiles

found = runfiles.Create()
assert open(found.Rlocation("the_lib/lib.txt")).read() == "of the library\n"
assert open(found.Rlocation("me/own.txt")).read() == "of the root\n"
assert open(found.Rlocation("myself/lib.txt", source_repo = "lib+")).read() == "of the library\n"
assert finder.texts() == ["of the library\n", "of the root\n"], finder.texts()
//- sh.sh
#!/bin/bash
set -eu
source "$RUNFILES_DIR/bazel_tools/tools/bash/runfiles/runfiles.bash"
source "$(rlocation the_lib/finder.sh)"
[ "$(cat "$(rlocation the_lib/lib.txt)" "$(rlocation me/own.txt)")" = "of the library
of the root" ]
[ "$(cat "$(rlocation myself/lib.txt lib+)")" = "of the library" ]
[ "$(finder_texts)" = "of the library
of the root" ]
//- program.sh
#!/bin/bash
cat "$RUNFILES_DIR/_repo_mapping"
"##;

#[test]
fn python_and_shell_find_files_by_the_names_that_each_repository_uses() {
    let workspace = Workspace::with(KILN, FILES);
    let output = workspace.kiln("test //:py //:sh");
    assert_eq!(output.code, Some(0), "{}", output.show());
}

#[test]
fn the_mapping_names_what_is_in_the_tree() {
    let workspace = Workspace::with(KILN, FILES);
    let output = workspace.kiln("run //:program");
    expect![[r#"
        ,me,_main
        ,test,_main
        ,the_lib,lib+
        lib+,lib,lib+
        lib+,myself,lib+
        lib+,user,_main
    "#]]
    .assert_eq(&output.stdout);
}

#[test]
fn what_lies_beside_a_program_that_was_run() {
    let workspace = Workspace::with(KILN, FILES);
    let output = workspace.kiln("run //:program");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let read = |name: &str| {
        let path = format!("kiln-out/fastbuild/bin/program{name}");
        let text = workspace.read(&path).unwrap_or_else(|| panic!("no {path}"));
        text.replace(&workspace.root().display().to_string(), "[ROOT]")
    };
    expect![[r#"
        _main/own.txt [ROOT]/kiln-out/fastbuild/bin/program.runfiles/_main/own.txt
        _main/program [ROOT]/kiln-out/fastbuild/bin/program.runfiles/_main/program
        _main/program.sh [ROOT]/kiln-out/fastbuild/bin/program.runfiles/_main/program.sh
         _main/with\sblank.txt [ROOT]/kiln-out/fastbuild/bin/program.runfiles/_main/with blank.txt
        _repo_mapping [ROOT]/kiln-out/fastbuild/bin/program.runfiles/_repo_mapping
        lib+/lib.txt [ROOT]/kiln-out/fastbuild/bin/program.runfiles/lib+/lib.txt
    "#]]
    .assert_eq(&read(".runfiles_manifest"));
    assert_eq!(read(".runfiles/MANIFEST"), read(".runfiles_manifest"));
    assert_eq!(read(".repo_mapping"), read(".runfiles/_repo_mapping"));
    // Without the tree, by the manifest: what is listed is there.
    for line in read(".runfiles_manifest").lines() {
        let (_, path) = line
            .rsplit_once(" [ROOT]/")
            .expect("a path of the workspace");
        let path = path.replace("\\s", " ");
        assert!(workspace.read(&path).is_some(), "{line}");
    }
}

#[test]
fn a_program_that_was_built_by_name_runs_by_itself() {
    let workspace = Workspace::with(
        KILN,
        r#"
//- BUILD
py_binary(name = "main", srcs = ["main.py"], data = ["own.txt"], deps = ["@rules_python//python/runfiles"])
//- own.txt
of the root
//- main.py
from python.runfiles import runfiles
print(open(runfiles.Create().Rlocation("test/own.txt")).read())
"#,
    );
    let run = |flags: &str| {
        let output = workspace.kiln(&format!("build //:main {flags}"));
        assert_eq!(output.code, Some(0), "{}", output.show());
        let program = workspace.root().join("kiln-out/fastbuild/bin/main");
        let output = std::process::Command::new(program).env_clear().output();
        String::from_utf8_lossy(&output.expect("it can be started").stdout).into_owned()
    };
    assert_eq!(run(""), "of the root\n\n");
    workspace.remove("kiln-out/fastbuild/bin/main.runfiles");
    assert_eq!(run("--noenable_runfiles"), "");
}
