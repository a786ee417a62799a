//! Repositories: what MODULE.bazel and WORKSPACE files say, what flags add, and what is told when
//! the files of one are not here.

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

fn check(files: &str, command_line: &str, expect: Expect) {
    let workspace = Workspace::with(KILN, files);
    expect.assert_eq(&workspace.kiln(command_line).show());
}

/// Builds and gives the text of an output.
fn built(workspace: &Workspace, command_line: &str, output: &str) -> String {
    let shown = workspace.kiln(command_line);
    assert_eq!(shown.code, Some(0), "{}", shown.show());
    let path = format!("kiln-out/fastbuild/bin/{output}");
    workspace.read(&path).unwrap_or_else(|| panic!("no {path}"))
}

/// A rule that writes which of two toolchains it got, and where tools of its actions run.
const TOOLCHAINS: &str = r#"
//- tc/defs.bzl
def _kind(ctx):
    return [platform_common.ToolchainInfo(name = ctx.label.name)]
kind = rule(implementation = _kind)

def _use(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".txt")
    found = ctx.toolchains["//tc:type"]
    text = (found.name if found else "none") + " " + ctx.file._tool.path
    ctx.actions.write(out, text + "\n")
    return [DefaultInfo(files = depset([out]))]
_ATTRS = {"_tool": attr.label(default = "//tc:tool", allow_single_file = True, cfg = "exec")}
use = rule(implementation = _use, toolchains = ["//tc:type"], attrs = _ATTRS)
use_if_any = rule(
    implementation = _use,
    toolchains = [config_common.toolchain_type("//tc:type", mandatory = False)],
    attrs = _ATTRS,
)
//- tc/BUILD
load(":defs.bzl", "kind")
package(default_visibility = ["//visibility:public"])
toolchain_type(name = "type")
constraint_setting(name = "chip")
constraint_value(name = "gpu", constraint_setting = ":chip")
constraint_value(name = "tpu", constraint_setting = ":chip")
platform(name = "with_gpu", constraint_values = [":gpu"])
platform(name = "with_tpu", constraint_values = [":tpu"], parents = [":with_gpu"])
platform(name = "windows", constraint_values = ["@platforms//os:windows", ":gpu"])
genrule(name = "tool", outs = ["tool.sh"], cmd = "echo > $@")
[kind(name = name) for name in ["plain", "fast", "slow"]]
toolchain(name = "plain_toolchain", toolchain = ":plain", toolchain_type = ":type")
toolchain(
    name = "fast_toolchain",
    exec_compatible_with = [":gpu"],
    toolchain = ":fast",
    toolchain_type = ":type",
)
toolchain(
    name = "slow_toolchain",
    target_compatible_with = ["@platforms//os:windows"],
    toolchain = ":slow",
    toolchain_type = ":type",
)
//- BUILD
load("//tc:defs.bzl", "use", "use_if_any")
use(name = "x")
use_if_any(name = "y")
"#;

fn with_toolchains(module: &str) -> Workspace {
    Workspace::with(KILN, TOOLCHAINS).file("MODULE.bazel", module)
}

#[test]
fn toolchains_come_from_module_files() {
    let workspace = with_toolchains("register_toolchains('//tc:plain_toolchain')\n");
    assert_eq!(
        built(&workspace, "build //:x", "x.txt"),
        "plain kiln-out/exec-opt/bin/tc/tool.sh\n"
    );
    // The command line is asked first, and of several flags the last one.
    let flags = "--extra_toolchains=//tc:slow_toolchain,//tc:plain_toolchain";
    assert!(built(&workspace, &format!("build //:x {flags}"), "x.txt").starts_with("plain "));
    let workspace = with_toolchains("register_toolchains('//tc:all', dev_dependency = True)\n");
    assert!(built(&workspace, "build //:x", "x.txt").starts_with("plain "));
    // An optional type without a toolchain is no error.
    let workspace = with_toolchains("");
    assert!(built(&workspace, "build //:y", "y.txt").starts_with("none "));
}

#[test]
fn toolchains_come_from_workspace_files() {
    let workspace = with_toolchains("");
    workspace.remove("MODULE.bazel");
    workspace.write("WORKSPACE", "register_toolchains('//tc:plain_toolchain')\n");
    assert!(built(&workspace, "build //:x", "x.txt").starts_with("plain "));
}

#[test]
fn the_root_comes_before_its_modules_and_what_is_for_development_counts_there_only() {
    let toolchain = r#"
load("@test//tc:defs.bzl", "kind")
kind(name = "NAME", visibility = ["//visibility:public"])
toolchain(name = "t", toolchain = ":NAME", toolchain_type = "@test//tc:type")
"#;
    let module = "
module(name = 'test')
bazel_dep(name = 'a')
bazel_dep(name = 'b')
local_path_override(module_name = 'a', path = 'a')
local_path_override(module_name = 'b', path = 'b')
";
    let of = |dev: &str| format!("bazel_dep(name = 'test')\nregister_toolchains('//:t'{dev})\n");
    let workspace = with_toolchains(module)
        .file("a/MODULE.bazel", &of(", dev_dependency = True"))
        .file("a/BUILD", &toolchain.replace("NAME", "of_a"))
        .file("b/MODULE.bazel", &of(""))
        .file("b/BUILD", &toolchain.replace("NAME", "of_b"));
    assert!(built(&workspace, "build //:x", "x.txt").starts_with("of_b "));
    workspace.write("a/MODULE.bazel", &of(""));
    assert!(built(&workspace, "build //:x", "x.txt").starts_with("of_a "));
    let root = format!("{module}register_toolchains('//tc:plain_toolchain')\n");
    workspace.write("MODULE.bazel", &root);
    assert!(built(&workspace, "build //:x", "x.txt").starts_with("plain "));
}

#[test]
fn actions_run_on_registered_platforms() {
    let module = "
register_toolchains('//tc:fast_toolchain', '//tc:plain_toolchain')
register_execution_platforms('//tc:windows', '//tc:with_tpu', '//tc:with_gpu')
";
    // The first platform is no Linux and cannot be this machine. The second one has another chip
    // than its parent, so the fast toolchain does not fit it, and the plain one does.
    let workspace = with_toolchains(module);
    let text = built(&workspace, "build //:x", "x.txt");
    assert!(
        text.starts_with("plain kiln-out/exec-opt-with_tpu-"),
        "{text}"
    );
    let text = built(
        &workspace,
        "build //:x --extra_execution_platforms=//tc:with_gpu",
        "x.txt",
    );
    assert!(
        text.starts_with("fast kiln-out/exec-opt-with_gpu-"),
        "{text}"
    );
    // A target may ask for more than its toolchains do.
    workspace.write(
        "BUILD",
        "load('//tc:defs.bzl', 'use')\nuse(name = 'x', exec_compatible_with = ['//tc:gpu'])\n",
    );
    let text = built(&workspace, "build //:x", "x.txt");
    assert!(
        text.starts_with("fast kiln-out/exec-opt-with_gpu-"),
        "{text}"
    );
}

#[test]
fn nothing_fits() {
    let check = |module: &str, expect: Expect| {
        let workspace = with_toolchains(module);
        expect.assert_eq(&workspace.kiln("build //:x").show());
    };
    check(
        "",
        expect![[r#"
        exit: 1
        --- stderr
        error: no toolchain of type `//tc:type` fits
          --> BUILD:2:1
           |
         2 | use(name = "x")
           | ^^^^^^^^^^^^^^^
        hint: register one: `register_toolchains(...)` in MODULE.bazel or `--extra_toolchains=...`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
    check(
        "register_toolchains('//tc:slow_toolchain', '//tc:fast_toolchain')\n\
         register_execution_platforms('//tc:windows')\n",
        expect![[r#"
            exit: 1
            --- stderr
            error: no toolchain of type `//tc:type` fits any platform that actions can run on
              --> BUILD:2:1
               |
             2 | use(name = "x")
               | ^^^^^^^^^^^^^^^
               = `//tc:fast_toolchain` runs where there is `//tc:gpu`, which this machine has not
               = `//tc:slow_toolchain` is for targets with `@@platforms//os:windows`
               = platform `//tc:windows` is not this machine, and kiln runs actions here only
            hint: register one: `register_toolchains(...)` in MODULE.bazel or `--extra_toolchains=...`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    let workspace = Workspace::with(
        KILN,
        "//- BUILD\ngenrule(name = 'x', outs = ['o'], cmd = 'touch $@', \
         exec_compatible_with = ['@platforms//os:windows'])\n",
    );
    expect![[r#"
        exit: 1
        --- stderr
        error: no platform that actions can run on fits
          --> BUILD:1:1
           |
         1 | genrule(name = 'x', outs = ['o'], cmd = 'touch $@', exec_compatible_with = ['@platforms//os:windows'])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = this machine has no `@@platforms//os:windows`
        hint: register a platform that has what `exec_compatible_with` asks for: `register_execution_platforms(...)` in MODULE.bazel or `--extra_execution_platforms=...`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]].assert_eq(&workspace.kiln("build //:x").show());
}

#[test]
fn included_module_files_are_part_of_the_including_one() {
    let workspace = Workspace::with(
        KILN,
        r#"
//- MODULE.bazel
module(name = "test")
include("//third_party:libs.MODULE.bazel")
//- third_party/BUILD
//- third_party/libs.MODULE.bazel
bazel_dep(name = "lib", repo_name = "the_lib")
include("//third_party:places.MODULE.bazel")
//- third_party/places.MODULE.bazel
local_path_override(module_name = "lib", path = "third_party/lib")
//- third_party/lib/MODULE.bazel
module(name = "lib")
//- third_party/lib/BUILD
exports_files(["t.txt"])
//- third_party/lib/t.txt
of the lib
//- BUILD
genrule(name = "x", srcs = ["@the_lib//:t.txt"], outs = ["o"], cmd = "cp $< $@")
"#,
    );
    assert_eq!(built(&workspace, "build //:x", "o"), "of the lib\n");
}

#[test]
fn mistakes_with_include() {
    let files = |main: &str, part: &str| {
        format!(
            "//- MODULE.bazel\n{main}\n//- BUILD\nfilegroup(name = 'x')\n//- p.MODULE.bazel\n{part}\n"
        )
    };
    let check = |main: &str, part: &str, expect: Expect| {
        check(&files(main, part), "build //:x", expect);
    };
    check(
        "include('//:q.MODULE.bazel')",
        "",
        expect![[r#"
        exit: 1
        --- stderr
        error: cannot include `//:q.MODULE.bazel`: there is no file `q.MODULE.bazel`
          --> MODULE.bazel:1:1
           |
         1 | include('//:q.MODULE.bazel')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: create `q.MODULE.bazel`, or correct the label
    "#]],
    );
    check(
        "include('p.MODULE.bazel')",
        "",
        expect![[r#"
        exit: 1
        --- stderr
        error: cannot include `p.MODULE.bazel`: it is no label that begins with `//`
          --> MODULE.bazel:1:1
           |
         1 | include('p.MODULE.bazel')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: write `//package:name.MODULE.bazel`
    "#]],
    );
    check(
        "include('//:p.bzl')",
        "",
        expect![[r#"
        exit: 1
        --- stderr
        error: cannot include `//:p.bzl`: its name does not end with `.MODULE.bazel`
          --> MODULE.bazel:1:1
           |
         1 | include('//:p.bzl')
           | ^^^^^^^^^^^^^^^^^^^
        hint: write `//package:name.MODULE.bazel`
    "#]],
    );
    check(
        "include('//:p.MODULE.bazel')",
        "include('//:p.MODULE.bazel')",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//:p.MODULE.bazel` is included twice
              --> p.MODULE.bazel:1:1
               |
             1 | include('//:p.MODULE.bazel')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = first included here
              --> MODULE.bazel:1:1
               |
             1 | include('//:p.MODULE.bazel')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: remove one of the two calls of `include`
        "#]],
    );
    check(
        "include('//:p.MODULE.bazel')",
        "module(name = 'p')",
        expect![[r#"
        exit: 1
        --- stderr
        error: `module` is called in a file that is included by another
          --> p.MODULE.bazel:1:1
           |
         1 | module(name = 'p')
           | ^^^^^^^^^^^^^^^^^^
        hint: move the call to the beginning of MODULE.bazel
    "#]],
    );
    check(
        "bazel_dep(name = 'a')\ninclude('//:p.MODULE.bazel')",
        "bazel_dep(name = 'b', repo_name = 'a')",
        expect![[r#"
            exit: 1
            --- stderr
            error: two repositories are called `a` here
              --> p.MODULE.bazel:1:1
               |
             1 | bazel_dep(name = 'b', repo_name = 'a')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = first named here
              --> MODULE.bazel:1:1
               |
             1 | bazel_dep(name = 'a')
               | ^^^^^^^^^^^^^^^^^^^^^
            hint: give one of them another name (`repo_name = …`, `use_repo(ext, other = …)`)
        "#]],
    );
    check(
        "include('//:p.MODULE.bazel')",
        "x = (",
        expect![[r#"
            exit: 1
            --- stderr
            error: unexpected new line, expected expression
              --> p.MODULE.bazel:2:1
               |
             2 | 
               | ^
            hint: complete the line, or close the bracket that was opened further up
        "#]],
    );
}

/// A package that needs the repository `@lib`.
const NEEDS_LIB: &str = r#"
//- BUILD
genrule(name = "x", srcs = ["@lib//:t.txt"], outs = ["o"], cmd = "cp $< $@")
//- vendored/lib/BUILD
exports_files(["t.txt"])
//- vendored/lib/t.txt
of the vendored lib
"#;

#[test]
fn a_folder_of_checkouts_answers_by_name() {
    let declarations = [
        "bazel_dep(name = 'lib', version = '1.0')",
        "bazel_dep(name = 'lib')\narchive_override(module_name = 'lib', urls = ['https://example.com/l.zip'])",
        "bazel_dep(name = 'lib')\ngit_override(module_name = 'lib', remote = 'https://example.com/l', commit = '1')",
        "bazel_dep(name = 'lib', version = '1.0')\nsingle_version_override(module_name = 'lib', version = '1.1')",
        "ext = use_extension('//:e.bzl', 'ext')\nuse_repo(ext, 'lib')",
        "archive = use_repo_rule('@bazel_tools//tools/build_defs/repo:http.bzl', 'http_archive')\narchive(name = 'lib', urls = [])",
    ];
    for declaration in declarations {
        let workspace = Workspace::with(KILN, NEEDS_LIB).file("MODULE.bazel", declaration);
        let text = built(&workspace, "build //:x --vendor_dir=vendored", "o");
        assert_eq!(text, "of the vendored lib\n", "{declaration}");
    }
    let local = "local = use_repo_rule('@bazel_tools//tools/build_defs/repo:local.bzl', 'local_repository')\nlocal(name = 'lib', path = 'vendored/lib')";
    let workspace = Workspace::with(KILN, NEEDS_LIB).file("MODULE.bazel", local);
    assert_eq!(
        built(&workspace, "build //:x", "o"),
        "of the vendored lib\n"
    );
    // As `bazel vendor` calls the folder of a module.
    let workspace = Workspace::with(KILN, &NEEDS_LIB.replace("/lib/", "/lib+/"));
    let workspace = workspace.file("MODULE.bazel", declarations[0]);
    let text = built(&workspace, "build //:x --vendor_dir=vendored", "o");
    assert_eq!(text, "of the vendored lib\n");
}

#[test]
fn absent_repositories_say_what_would_answer_them() {
    let check = |file: &str, text: &str, flags: &str, expect: Expect| {
        let workspace = Workspace::with(KILN, NEEDS_LIB);
        workspace.remove("MODULE.bazel");
        workspace.write(file, text);
        expect.assert_eq(&workspace.kiln(&format!("build //:x {flags}")).show());
    };
    let dep = "bazel_dep(name = 'lib', version = '1.0')\n";
    check(
        "MODULE.bazel",
        dep,
        "",
        expect![[r#"
            exit: 1
            --- stderr
            error: repository `@lib` is declared, but its files are not here
              --> BUILD:1:29
               |
             1 | genrule(name = "x", srcs = ["@lib//:t.txt"], outs = ["o"], cmd = "cp $< $@")
               |                             ^^^^^^^^^^^^^^
               = declared here by `bazel_dep`
              --> MODULE.bazel:1:1
               |
             1 | bazel_dep(name = 'lib', version = '1.0')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = kiln fetches nothing from the network
               = `@lib//:t.txt` is in `srcs` of `//:x`
            hint: put a checkout of it into a folder `lib` and pass `--vendor_dir=<the folder above>`, or pass `--override_module=lib=<folder with a checkout>`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        "MODULE.bazel",
        dep,
        "--vendor_dir=empty",
        expect![[r#"
            exit: 1
            --- stderr
            error: repository `@lib` is declared, but its files are not here
              --> BUILD:1:29
               |
             1 | genrule(name = "x", srcs = ["@lib//:t.txt"], outs = ["o"], cmd = "cp $< $@")
               |                             ^^^^^^^^^^^^^^
               = declared here by `bazel_dep`
              --> MODULE.bazel:1:1
               |
             1 | bazel_dep(name = 'lib', version = '1.0')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = kiln fetches nothing from the network
               = `@lib//:t.txt` is in `srcs` of `//:x`
            hint: put a checkout of it into `[ROOT]/empty/lib`, or pass `--override_module=lib=<folder with a checkout>`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        "MODULE.bazel",
        "bazel_dep(name = 'lib-1', repo_name = 'lib')\ngit_override(module_name = 'lib-1', remote = 'r', commit = 'c')\n",
        "",
        expect![[r#"
            exit: 1
            --- stderr
            error: repository `@lib` is declared, but its files are not here
              --> BUILD:1:29
               |
             1 | genrule(name = "x", srcs = ["@lib//:t.txt"], outs = ["o"], cmd = "cp $< $@")
               |                             ^^^^^^^^^^^^^^
               = declared here by `git_override`
              --> MODULE.bazel:2:1
               |
             2 | git_override(module_name = 'lib-1', remote = 'r', commit = 'c')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = kiln fetches nothing from the network
               = `@lib//:t.txt` is in `srcs` of `//:x`
            hint: put a checkout of it into a folder `lib-1` and pass `--vendor_dir=<the folder above>`, or pass `--override_module=lib-1=<folder with a checkout>`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        "MODULE.bazel",
        "bazel_dep(name = 'lib')\nlocal_path_override(module_name = 'lib', path = 'vendord/lib')\n",
        "",
        expect![[r#"
            exit: 1
            --- stderr
            error: `local_path_override` of `lib`: there is no folder `[ROOT]/vendord/lib`
              --> MODULE.bazel:2:1
               |
             2 | local_path_override(module_name = 'lib', path = 'vendord/lib')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: correct `path`, which is relative to the root of the workspace
        "#]],
    );
    check(
        "MODULE.bazel",
        "ext = use_extension('//:e.bzl', 'ext')\nuse_repo(ext, lib = 'lib_1')\n",
        "",
        expect![[r#"
            exit: 1
            --- stderr
            error: repository `@lib` is declared, but its files are not here
              --> BUILD:1:29
               |
             1 | genrule(name = "x", srcs = ["@lib//:t.txt"], outs = ["o"], cmd = "cp $< $@")
               |                             ^^^^^^^^^^^^^^
               = declared here by `ext`
              --> MODULE.bazel:2:1
               |
             2 | use_repo(ext, lib = 'lib_1')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = kiln fetches nothing from the network
               = `@lib//:t.txt` is in `srcs` of `//:x`
            hint: put a checkout of it into a folder `lib_1` and pass `--vendor_dir=<the folder above>`, or pass `--override_repository=lib=<folder with a checkout>`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        "MODULE.bazel",
        dep,
        "--override_module=lib=nowhere",
        expect![[r#"
        exit: 2
        --- stderr
        error: `--override_module=lib=…`: there is no folder `[ROOT]/nowhere`
        hint: name a folder that has a checkout of it
    "#]],
    );
    check(
        "WORKSPACE",
        "local_repository(name = 'lib', path = 'vendord/lib')\n",
        "",
        expect![[r#"
            exit: 1
            --- stderr
            error: repository `@lib` is declared, but its files are not here
              --> BUILD:1:29
               |
             1 | genrule(name = "x", srcs = ["@lib//:t.txt"], outs = ["o"], cmd = "cp $< $@")
               |                             ^^^^^^^^^^^^^^
               = declared here by `local_repository`
              --> WORKSPACE:1:1
               |
             1 | local_repository(name = 'lib', path = 'vendord/lib')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = there is no folder `[ROOT]/vendord/lib`
               = `@lib//:t.txt` is in `srcs` of `//:x`
            hint: correct the `path`, or pass `--override_repository=lib=<folder with a checkout>`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        "WORKSPACE",
        "http_archive(name = 'lib', urls = [])\n",
        "",
        expect![[r#"
            exit: 1
            --- stderr
            error: repository `@lib` is declared, but its files are not here
              --> BUILD:1:29
               |
             1 | genrule(name = "x", srcs = ["@lib//:t.txt"], outs = ["o"], cmd = "cp $< $@")
               |                             ^^^^^^^^^^^^^^
               = declared here by `http_archive`
              --> WORKSPACE:1:1
               |
             1 | http_archive(name = 'lib', urls = [])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = kiln fetches nothing from the network
               = `@lib//:t.txt` is in `srcs` of `//:x`
            hint: put a checkout of it into a folder `lib` and pass `--vendor_dir=<the folder above>`, or pass `--override_repository=lib=<folder with a checkout>`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn the_cures_for_an_absent_repository_work() {
    let workspace = Workspace::with(KILN, NEEDS_LIB);
    workspace.write("MODULE.bazel", "bazel_dep(name = 'lib', version = '1.0')\n");
    for flag in [
        "--vendor_dir=vendored",
        "--override_module=lib=vendored/lib",
    ] {
        assert_eq!(
            built(&workspace, &format!("build //:x {flag}"), "o"),
            "of the vendored lib\n"
        );
    }
    workspace.write(
        "MODULE.bazel",
        "e = use_extension('//:e.bzl', 'e')\nuse_repo(e, 'lib')\n",
    );
    for flag in [
        "--vendor_dir=vendored",
        "--override_repository=lib=vendored/lib",
    ] {
        assert_eq!(
            built(&workspace, &format!("build //:x {flag}"), "o"),
            "of the vendored lib\n"
        );
    }
}
