//! Headers that are included and not declared.

use expect_test::expect;

use crate::{check, check_cured, works};

#[test]
fn of_another_target() {
    check_cured(
        "
//- BUILD
cc_library(name = \"x\", srcs = [\"x.cc\"])
//- x.cc
#include \"lib/y.h\"
int x = y();
//- lib/BUILD
cc_library(name = \"y\", hdrs = [\"y.h\"], visibility = [\"//visibility:public\"])
//- lib/y.h
inline int y() { return 1; }
",
        "build //:x",
        (
            "BUILD",
            "cc_library(name = \"x\", srcs = [\"x.cc\"], deps = [\"//lib:y\"])\n",
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: CppCompile of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/_objs/x/x.o`)
              --> BUILD:1:1
               = its output:
                 x.cc:1:10: fatal error: lib/y.h: No such file or directory
                     1 | #include "lib/y.h"
                       |          ^~~~~~~~~
                 compilation terminated.
               = `lib/y.h` is in the workspace, but is no input of `//:x`
            hint: declare it: add `//lib:y`, which has it in its `hdrs`, to the `deps` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn below_a_folder_of_headers() {
    check_cured(
        "
//- BUILD
cc_library(name = \"x\", srcs = [\"src/x.cc\"])
//- src/x.cc
#include \"lib/y.h\"
int x = y();
//- third_party/lib/BUILD
cc_library(
    name = \"y\",
    hdrs = [\"include/lib/y.h\"],
    includes = [\"include\"],
    visibility = [\"//visibility:public\"],
)
//- third_party/lib/include/lib/y.h
inline int y() { return 1; }
",
        "build //:x",
        (
            "BUILD",
            "cc_library(name = \"x\", srcs = [\"src/x.cc\"], deps = [\"//third_party/lib:y\"])\n",
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: CppCompile of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/_objs/x/x.o`)
              --> BUILD:1:1
               = its output:
                 src/x.cc:1:10: fatal error: lib/y.h: No such file or directory
                     1 | #include "lib/y.h"
                       |          ^~~~~~~~~
                 compilation terminated.
               = `third_party/lib/include/lib/y.h` has that name, but is no input of `//:x`
            hint: declare it: add `//third_party/lib:y`, which has it in its `hdrs`, to the `deps` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn of_another_repository() {
    check_cured(
        "
//- MODULE.bazel
bazel_dep(name = \"lib\", repo_name = \"the_lib\")
local_path_override(module_name = \"lib\", path = \"vendored/lib\")
//- BUILD
cc_library(name = \"x\", srcs = [\"x.cc\"])
//- x.cc
#include <lib/y.h>
int x = y();
//- vendored/lib/MODULE.bazel
module(name = \"lib\")
//- vendored/lib/BUILD
cc_library(
    name = \"y\",
    hdrs = [\"lib/y.h\"],
    includes = [\".\"],
    visibility = [\"//visibility:public\"],
)
//- vendored/lib/lib/y.h
inline int y() { return 1; }
",
        "build //:x",
        (
            "BUILD",
            "cc_library(name = \"x\", srcs = [\"x.cc\"], deps = [\"@the_lib//:y\"])\n",
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: CppCompile of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/_objs/x/x.o`)
              --> BUILD:1:1
               = its output:
                 x.cc:1:10: fatal error: lib/y.h: No such file or directory
                     1 | #include <lib/y.h>
                       |          ^~~~~~~~~
                 compilation terminated.
               = `@lib+//lib/y.h` has that name, but is no input of `//:x`
            hint: declare it: add `@the_lib//:y`, which has it in its `hdrs`, to the `deps` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn of_no_target() {
    let workspace = check(
        "
//- BUILD
cc_library(name = \"x\", srcs = [\"x.cc\"])
//- x.cc
#include \"y.h\"
int x = y();
//- y.h
inline int y() { return 1; }
",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: CppCompile of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/_objs/x/x.o`)
              --> BUILD:1:1
               = its output:
                 x.cc:1:10: fatal error: y.h: No such file or directory
                     1 | #include "y.h"
                       |          ^~~~~
                 compilation terminated.
               = `y.h` is in the workspace, but is no input of `//:x`
            hint: declare it: put `y.h` into `srcs`, `hdrs` or `data` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    workspace.write(
        "BUILD",
        "cc_library(name = \"x\", srcs = [\"x.cc\", \"y.h\"])\n",
    );
    works(&workspace, "build //:x");
}

#[test]
fn made_by_a_target() {
    check_cured(
        "
//- BUILD
cc_library(name = \"x\", srcs = [\"x.cc\"])
genrule(name = \"g\", outs = [\"y.h\"], cmd = \"echo 'inline int y() { return 1; }' > $@\")
//- x.cc
#include \"y.h\"
int x = y();
",
        "build //:x",
        (
            "BUILD",
            "cc_library(name = \"x\", srcs = [\"x.cc\", \"y.h\"])
genrule(name = \"g\", outs = [\"y.h\"], cmd = \"echo 'inline int y() { return 1; }' > $@\")\n",
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: CppCompile of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/_objs/x/x.o`)
              --> BUILD:1:1
               = its output:
                 x.cc:1:10: fatal error: y.h: No such file or directory
                     1 | #include "y.h"
                       |          ^~~~~
                 compilation terminated.
               = `y.h` is made by `//:g`, and is no input of `//:x`
            hint: declare it: put `y.h` into `srcs`, `hdrs` or `data` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn that_exist_nowhere() {
    check(
        "
//- BUILD
cc_library(name = \"x\", srcs = [\"x.cc\"])
//- x.cc
#include \"nowhere.h\"
",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: CppCompile of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/_objs/x/x.o`)
              --> BUILD:1:1
               = its output:
                 x.cc:1:10: fatal error: nowhere.h: No such file or directory
                     1 | #include "nowhere.h"
                       |          ^~~~~~~~~~~
                 compilation terminated.
               = `nowhere.h` is no input of `//:x`, and not in the workspace either
            hint: correct the `#include`; if another module has the header, name that in a `bazel_dep` of MODULE.bazel and its target in `deps`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}
