//! What runs again after which change (GR-011, GR-068): the action cache, early cutoff, output
//! folders.

use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

const FILES: &str = r#"
//- lib/BUILD.bazel
cc_library(
    name = "lib",
    srcs = ["lib.cc"],
    hdrs = ["lib.h"],
    visibility = ["//visibility:public"],
)
//- lib/lib.h
int answer();
//- lib/lib.cc
#include "lib/lib.h"
int answer() { return 42; }
//- app/BUILD.bazel
cc_binary(
    name = "app",
    srcs = ["app.cc"],
    deps = ["//lib"],
)

cc_test(
    name = "app_test",
    srcs = ["app_test.cc"],
    deps = ["//lib"],
)
//- app/app.cc
#include "lib/lib.h"
int main() { return answer() - 42; }
//- app/app_test.cc
#include "lib/lib.h"
int main() { return answer() == 42 ? 0 : 1; }
"#;

fn executed(workspace: &Workspace) -> String {
    let output = workspace.kiln("test //... --format=json");
    assert_eq!(output.code, Some(0), "{}", output.show());
    output
        .json("actions.executed")
        .expect("the summary has a count")
}

#[test]
fn only_what_changed_runs_again() {
    let workspace = Workspace::with(KILN, FILES);
    assert_eq!(
        executed(&workspace),
        "7",
        "four compilations and links, one archive, one test"
    );
    assert_eq!(executed(&workspace), "0", "nothing changed");

    workspace.remove("kiln-out");
    assert_eq!(executed(&workspace), "0", "outputs come from the store");
    assert!(
        workspace
            .read("kiln-out/testlogs/app/app_test/test.log")
            .is_some()
    );

    workspace.write("lib/lib.h", "int answer();\n");
    assert_eq!(executed(&workspace), "0", "a touched file is the same file");

    workspace.write("lib/lib.h", "// The answer.\nint answer();\n");
    assert_eq!(
        executed(&workspace),
        "3",
        "dependents compile, and stop there: objects are equal"
    );

    workspace.write("app/app_test.cc", "int main() { return 0; }\n");
    assert_eq!(
        executed(&workspace),
        "3",
        "one compilation, one link, one test"
    );
}

#[test]
fn a_second_checkout_shares_results() {
    let one = Workspace::with(KILN, FILES);
    assert_ne!(executed(&one), "0");
    let two = Workspace::with(KILN, FILES).env("KILN_CACHE_DIR", &one.cache().to_string_lossy());
    assert_eq!(executed(&two), "0");
}

const NARROW: &str = r#"
//- BUILD.bazel
cc_library(
    name = "low",
    hdrs = glob(["low*.h"]),
)

cc_library(
    name = "high",
    srcs = ["high.cc"],
    hdrs = ["high.h"],
    deps = [":low"],
)

cc_binary(
    name = "app",
    srcs = ["app.cc"],
    deps = [":high"],
)
//- low.h
#define LOW 1
//- high.h
int high();
//- high.cc
#include "low.h"
int high() { return LOW; }
//- app.cc
#include "high.h"
#if __has_include("low2.h")
#include "low2.h"
#endif
int main() { return high() - 1; }
"#;

/// A header that a compiler could have read and did not is no reason to run it again; one that is
/// new is, since it may be found now.
#[test]
fn headers_that_were_not_read() {
    let executed = |workspace: &Workspace| {
        let output = workspace.kiln("build //... --format=json");
        assert_eq!(output.code, Some(0), "{}", output.show());
        output.json("actions.executed").unwrap()
    };
    let workspace = Workspace::with(KILN, NARROW);
    assert_eq!(
        executed(&workspace),
        "4",
        "two compilations, an archive, a link"
    );

    workspace.write("low.h", "#define LOW (2 - 1)\n");
    assert_eq!(executed(&workspace), "1", "only `high.cc` reads it");

    workspace.write("low.h", "#define LOW (0 + 1)\n");
    assert_eq!(
        executed(&workspace),
        "1",
        "what was left out is left out again"
    );

    workspace.write("low2.h", "#define MORE 1\n");
    assert_eq!(executed(&workspace), "2", "each might find it");

    workspace.write("low2.h", "#define MORE 2\n");
    assert_eq!(executed(&workspace), "1", "`app.cc` did");

    workspace.write("low.h", "#define LOW 7\n");
    workspace.write("low2.h", "#define MORE 3\n");
    assert_eq!(
        executed(&workspace),
        "4",
        "two compilations, an archive, a link"
    );
}

const ASSEMBLY: &str = r#"
//- BUILD.bazel
cc_library(
    name = "number",
    srcs = ["number.S"],
    hdrs = ["number.inc"],
)

cc_test(
    name = "app",
    srcs = ["app.c"],
    deps = [":number"],
)
//- number.inc
.set number, 42
//- number.S
.include "number.inc"
.section .note.GNU-stack,"",%progbits
.data
.globl answer
answer: .long number
//- app.c
extern int answer;
int main() { return answer - 42; }
"#;

/// What an assembler includes is in no dependency file, so nothing may be left out for it.
#[test]
fn what_an_assembler_includes_counts() {
    let workspace = Workspace::with(KILN, ASSEMBLY);
    let test = || workspace.kiln("test //...").code;
    assert_eq!(test(), Some(0));
    workspace.write("number.inc", ".set number, 41\n");
    assert_eq!(test(), Some(3));
    workspace.write("number.inc", ".set number, 42\n");
    assert_eq!(test(), Some(0));
}
