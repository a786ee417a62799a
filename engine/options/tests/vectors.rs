//! Vectors of the specification about values, and files that give them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{load_with, show};
use expect_test::{Expect, expect};

fn check(files: &[(&str, &str)], variables: &[(&str, &str)], args: &str, expect: Expect) {
    let args: Vec<&str> = args.split_whitespace().collect();
    expect.assert_eq(&match load_with(files, variables, &args) {
        Ok(options) => show(&options),
        Err(diag) => diag.render(),
    });
}

/// OPT-015, OPT-017, OPT-024, OPT-026, OPT-028
#[test]
fn values_opt_015_opt_017_opt_026_opt_028() {
    check(
        &[],
        &[],
        "build --nobuild --analyze=FALSE -k",
        expect![[r#"
        build
          build = false (command line)
          analyze = false (command line)
          keep_going = true (command line)"#]],
    );
    check(
        &[],
        &[],
        "build --analyze=maybe",
        expect!["error: `maybe` is no value for `--analyze`: expected `true` or `false`"],
    );
    check(
        &[],
        &[],
        "build --copt",
        expect![[r#"
        error: `--copt` needs a value
        hint: write `--copt=VALUE`"#]],
    );
    check(
        &[],
        &[],
        "build --cpu=a --cpu=b --define=a=1 --define=b=2",
        expect![[r#"
        build
          cpu = "a" (command line)
          cpu = "b" (command line)
          define = "a=1" (command line)
          define = "b=2" (command line)"#]],
    );
    check(
        &[],
        &[],
        "build --show_result=1_000 --max_computation_steps=+5",
        expect![[r#"
        build
          show_result = 1000 (command line)
          max_computation_steps = 5 (command line)"#]],
    );
    check(
        &[],
        &[],
        "build --show_result=1__0",
        expect!["error: `1__0` is no value for `--show_result`: expected a whole number"],
    );
    check(
        &[],
        &[],
        "build --show_result=_10",
        expect!["error: `_10` is no value for `--show_result`: expected a whole number"],
    );
    check(
        &[],
        &[],
        "build --strip=sometime",
        expect![[r#"
        error: `sometime` is no value for `--strip`: expected `always`, `sometimes` or `never`
        hint: did you mean `sometimes`?"#]],
    );
}

/// OPT-025: one empty text, and none at all.
#[test]
fn empty_texts_opt_025() {
    let file = [("kiln.toml", "[GLOBAL]\ncopt = ['a']")];
    check(
        &file,
        &[("KILN_COPT", "[\"\"]")],
        "build",
        expect![[r#"
        build
          copt = "" ($KILN_COPT)"#]],
    );
    check(&file, &[("KILN_COPT", "[]")], "build", expect!["build"]);
}

/// OPT-003, OPT-004, OPT-006
#[test]
fn files_of_configuration_opt_003() {
    let files = [
        ("kiln.toml", "[GLOBAL]\njobs = 1\ncpu = 'k'"),
        ("ci.toml", "[GLOBAL]\njobs = 2"),
        ("more.toml", "[GLOBAL]\njobs = 3"),
    ];
    let variable = |text| [("KILN_CONFIG_FILES", text)];
    check(
        &files,
        &variable("ci.toml"),
        "build",
        expect![[r#"
        build
          jobs = "1" (kiln.toml:2)
          cpu = "k" (kiln.toml:3)
          jobs = "2" (ci.toml:2)"#]],
    );
    check(
        &files,
        &variable("+['ci.toml', 'more.toml']"),
        "build",
        expect![[r#"
        build
          jobs = "1" (kiln.toml:2)
          cpu = "k" (kiln.toml:3)
          jobs = "2" (ci.toml:2)
          jobs = "3" (more.toml:2)"#]],
    );
    check(
        &files,
        &variable("['ci.toml']"),
        "build",
        expect![[r#"
        build
          jobs = "2" (ci.toml:2)"#]],
    );
    check(
        &files,
        &variable("ci.toml"),
        "build --kiln-config-files=more.toml",
        expect![[r#"
        build
          jobs = "1" (kiln.toml:2)
          cpu = "k" (kiln.toml:3)
          jobs = "2" (ci.toml:2)
          jobs = "3" (more.toml:2)
          kiln_config_files = "more.toml" (command line)"#]],
    );
    check(
        &files,
        &variable("ci.toml"),
        "build --kiln_config_files=[] --kiln_config_files=more.toml",
        expect![[r#"
        build
          jobs = "3" (more.toml:2)
          kiln_config_files = "[]" (command line)
          kiln_config_files = "more.toml" (command line)"#]],
    );
    check(
        &files,
        &variable("ci.toml"),
        "build --kiln_config_files=-['kiln.toml']",
        expect![[r#"
        build
          jobs = "2" (ci.toml:2)
          kiln_config_files = "-['kiln.toml']" (command line)"#]],
    );
    check(
        &files,
        &[],
        "build --kiln_config_files=no.toml",
        expect![[r#"
        error: there is no file `no.toml`
           = `--kiln_config_files` names it; names are relative to /w
        hint: make it, or change `--kiln_config_files`"#]],
    );
    check(
        &files,
        &variable("[ci.toml"),
        "build",
        expect![[r#"
        error: no list for `KILN_CONFIG_FILES`: expected `,` or `]` at character 9
           = in `[ci.toml`"#]],
    );
}

/// OPT-032
#[test]
fn values_in_files_opt_032() {
    let files = [
        (
            "kiln.toml",
            "[GLOBAL]\ncopt = ['-g']\ndefine = '@defines.toml:of.ci'",
        ),
        ("copts.json", "[\"-O2\", \"-DX=1\", 3]"),
        ("nested.json", "{\"a\": {\"b\": [\"-O3\"]}}"),
        ("plain.txt", "+['-Wall']\n"),
        ("defines.toml", "[of.ci]\nA = 'a'\nB = 2\n"),
        ("bad.json", "{\n"),
        ("list.yaml", "- a\n"),
    ];
    let copt = |text: &str, expect: Expect| check(&files, &[("KILN_COPT", text)], "build", expect);
    copt(
        "@copts.json",
        expect![[r#"
        build
          define = "A=a" (kiln.toml:3)
          define = "B=2" (kiln.toml:3)
          copt = "-O2" ($KILN_COPT)
          copt = "-DX=1" ($KILN_COPT)
          copt = "3" ($KILN_COPT)"#]],
    );
    copt(
        "@nested.json:a.b",
        expect![[r#"
        build
          define = "A=a" (kiln.toml:3)
          define = "B=2" (kiln.toml:3)
          copt = "-O3" ($KILN_COPT)"#]],
    );
    copt(
        "@plain.txt",
        expect![[r#"
        build
          copt = "-g" (kiln.toml:2)
          define = "A=a" (kiln.toml:3)
          define = "B=2" (kiln.toml:3)
          copt = "-Wall" ($KILN_COPT)"#]],
    );
    copt(
        "@?absent.json",
        expect![[r#"
        build
          copt = "-g" (kiln.toml:2)
          define = "A=a" (kiln.toml:3)
          define = "B=2" (kiln.toml:3)"#]],
    );
    copt(
        "@@response",
        expect![[r#"
        build
          copt = "-g" (kiln.toml:2)
          define = "A=a" (kiln.toml:3)
          define = "B=2" (kiln.toml:3)
          copt = "@response" ($KILN_COPT)"#]],
    );
    copt(
        "@absent.json",
        expect![[r#"
        error: there is no file `absent.json`
           = names are relative to the root of the workspace
           = the variable `KILN_COPT` says so
        hint: make it; `@?…` is no value where there is no file, `@@…` a text that begins with `@`"#]],
    );
    copt(
        "@nested.json:a.c",
        expect![[r#"
        error: `nested.json` cannot be read: there is no `c` in it
           = the variable `KILN_COPT` says so"#]],
    );
    copt(
        "@nested.json",
        expect![[r#"
        error: `nested.json` cannot be read: a list of texts is needed
           = the variable `KILN_COPT` says so"#]],
    );
    copt(
        "@bad.json",
        expect![[r#"
        error: `bad.json` cannot be read: EOF while parsing an object at line 2 column 0
           = the variable `KILN_COPT` says so"#]],
    );
    copt(
        "@list.yaml",
        expect![[r#"
        error: `list.yaml` cannot be read: kiln reads no YAML
           = the variable `KILN_COPT` says so
        hint: write it as JSON or TOML"#]],
    );
    // Texts of flags are taken as they are: compilers read `@file` themselves.
    check(
        &[],
        &[],
        "build --copt=@response",
        expect![[r#"
        build
          copt = "@response" (command line)"#]],
    );
}

/// OPT-051
#[test]
fn unknown_keys_can_be_let_through_opt_051() {
    let files = [("kiln.toml", "[GLOBAL]\njbos = 3\njobs = 2\n[tset]\nx = 1\n")];
    check(
        &files,
        &[],
        "build --noverify_config",
        expect![[r#"
        build
          jobs = "2" (kiln.toml:3)
          verify_config = false (command line)
        warning: there is no option `jbos` in `[GLOBAL]`
          --> kiln.toml:2:1
        hint: did you mean `jobs`?
        warning: there is no section `tset`
          --> kiln.toml:4:2
        hint: did you mean `test`?
        hint: sections are `GLOBAL`, `DEFAULT`, `cc`, `python-bootstrap`, `remote`, `serve`, `shell-setup`, `subprocess-environment`, `system-binaries`, `test`, `environments-preview`"#]],
    );
    // What is wrong in a known key is an error all the same.
    let files = [("kiln.toml", "[GLOBAL]\njbos = 3\njobs = 'many'\n")];
    check(
        &files,
        &[],
        "build --noverify_config",
        expect![[r#"
        error: `many` is no value for `jobs`: expected a number, `auto`, or `HOST_CPUS` with `*` or `-` and a number
          --> kiln.toml:3:8
           |
         3 | jobs = 'many'
           |        ^^^^^^"#]],
    );
}
