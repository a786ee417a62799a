//! `kiln.toml`, rc files and variables.

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

fn mistake(text: &str, expect: Expect) {
    check(&[("kiln.toml", text)], &[], "build", expect);
}

/// OPT-010: each subset of sources yields the highest that is present.
#[test]
fn the_highest_source_wins() {
    for present in 0..64_u32 {
        let has = |bit: u32| present & (1 << bit) != 0;
        let mut files = Vec::new();
        let mut variables = Vec::new();
        let sources = [
            (0, "kiln.toml", "[GLOBAL]\nshow_result = 10"),
            (1, "ci.toml", "[GLOBAL]\nshow_result = 11"),
            (2, ".kiln.rc", "[GLOBAL]\nshow_result = 12"),
            (4, ".bazelrc", "build --show_result=14"),
        ];
        for (bit, name, text) in sources {
            if has(bit) {
                files.push((name, text));
            }
        }
        if has(1) {
            variables.push(("KILN_CONFIG_FILES", "ci.toml"));
        }
        if has(3) {
            variables.push(("KILN_SHOW_RESULT", "13"));
        }
        let args: &[&str] = match has(5) {
            true => &["build", "--show_result=15"],
            false => &["build"],
        };
        let options = load_with(&files, &variables, args).unwrap();
        let highest = (0..6).rev().find(|bit| has(*bit));
        let wanted = highest.map_or(1, |bit| 10 + i64::from(bit));
        assert_eq!(options.show_result(), wanted, "{present:06b}");
    }
}

/// `0` stands in for a default: no list option of the registry has one.
fn list(first: &str, second: &str, variable: &str, flags: &str, expect: &str) {
    let base = "[GLOBAL]\ncopt = ['0']".to_owned();
    let section = |text: &str| format!("[GLOBAL]\n{text}");
    let (first, second) = (section(first), section(second));
    let files = [("kiln.toml", &*base), ("a", &*first), ("b", &*second)];
    let mut variables = vec![("KILN_CONFIG_FILES", "a,b")];
    if !variable.is_empty() {
        variables.push(("KILN_COPT", variable));
    }
    let flags = flags.split_whitespace().map(|n| format!("--copt={n}"));
    let args: Vec<String> = std::iter::once("build".to_owned()).chain(flags).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let options = load_with(&files, &variables, &args).unwrap();
    assert_eq!(options.copts().join(","), expect);
}

/// OPT-022
#[test]
fn edits_of_lists() {
    list(
        "copt.add = [1, 2]",
        "",
        "+[3,4]",
        "5 6 7",
        "0,1,2,3,4,5,6,7",
    );
    list("copt = [1, 2]", "", "+[3,4]", "5 6 7", "1,2,3,4,5,6,7");
    list("copt.add = [1, 2]", "", "[3,4]", "5 6 7", "3,4,5,6,7");
    list(
        "copt.add = [1, 2]",
        "copt.add = [11, 22]",
        "+[3,4]",
        "",
        "0,1,2,11,22,3,4",
    );
    list("copt = [1, 2]", "copt.remove = [2, 4]", "+[3,4]", "", "1,3");
    list(
        "copt.add = [1, 2]",
        "",
        "-[2],+[3,4]",
        "5 6 7",
        "0,1,3,4,5,6,7",
    );
    list("copt.add = [1,2,3,2,0,3,3,4]", "", "-[0,3]", "", "1,2,2,4");
    // A removal reaches flags as well.
    list("copt.add = [1, 2]", "", "-[1]", "1", "0,2");
    list("copt.remove = [0]", "", "[0]", "", "0");
    list("copt = '+[1, 2]'", "", "-O2", "", "0,1,2,-O2");
}

/// OPT-023, with the names of environments as the dictionary.
#[test]
fn edits_of_dictionaries() {
    let files = [
        (
            "kiln.toml",
            "[environments-preview.names]\nkey1 = '//:1'\nkey2 = '//:2'",
        ),
        ("a", "[environments-preview.names.add]\nkey5 = '//:5'"),
        ("b", "[environments.names]\nkey6 = '//:6'"),
    ];
    let names = |of: &str, variable: &str| {
        let variables = [
            ("KILN_CONFIG_FILES", of),
            ("KILN_ENVIRONMENTS_PREVIEW_NAMES", variable),
        ];
        let options = load_with(&files, &variables, &["build", "--env=key3=//:3"]).unwrap();
        let names = options.environment_names().keys();
        names
            .map(|name| name.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(names("a", "+{'key4': '//:4'}"), "key1 key2 key3 key4 key5");
    assert_eq!(names("a,b", "+{'key4': '//:4'}"), "key3 key4 key6");
    assert_eq!(names("a,b", "{'key4': '//:4'}"), "key3 key4");
    assert_eq!(names("a,b", "key4=//:4"), "key3 key4 key6");
}

/// OPT-007, OPT-013
#[test]
fn sections_and_variables() {
    check(
        &[(
            "kiln.toml",
            "[GLOBAL]\njobs = 4\nkeep_going = true\ndefine = {A = 1}\n[test]\noutput = 'all'\n[remote]\ncache = 'grpc://h:1'\n",
        )],
        &[
            ("KILN_GLOBAL_COLOR", "never"),
            ("KILN_COLOR", "always"),
            ("KILN_NO_SUCH", "1"),
        ],
        "test",
        expect![[r#"
            test
              jobs = "4" (kiln.toml:2)
              keep_going = true (kiln.toml:3)
              define = "A=1" (kiln.toml:4)
              test_output = "all" (kiln.toml:6)
              remote_cache = "grpc://h:1" (kiln.toml:8)
              color = "never" ($KILN_GLOBAL_COLOR)
              color = "always" ($KILN_COLOR)"#]],
    );
    // What a command does not have is for other commands.
    check(
        &[("kiln.toml", "[test]\noutput = 'all'")],
        &[],
        "clean",
        expect!["clean"],
    );
}

/// OPT-005
#[test]
fn rc_files_can_be_left_out() {
    let files = [
        (".kiln.rc", "[GLOBAL]\njobs = 4"),
        ("/home/u/.kiln.rc", "[GLOBAL]\njobs = 3"),
    ];
    check(
        &files,
        &[],
        "build",
        expect![[r#"
        build
          jobs = "3" (~/.kiln.rc:2)
          jobs = "4" (.kiln.rc:2)"#]],
    );
    check(
        &files,
        &[],
        "build --nokilnrc",
        expect![[r#"
        build
          kilnrc = false (command line)"#]],
    );
    check(
        &files,
        &[],
        "build --ignore_all_rc_files",
        expect![[r#"
        build
          ignore_all_rc_files = true (command line)"#]],
    );
}

/// OPT-030, OPT-031
#[test]
fn texts_stand_for_others() {
    check(
        &[(
            "kiln.toml",
            "[DEFAULT]\nhost = 'h'\ncache_dir = '%(homedir)s/c'\n[remote]\ncache = 'grpc://%(host)s:%(env.PORT)s'\ntoken_file = '%(buildroot)s/t'",
        )],
        &[("PORT", "80")],
        "build",
        expect![[r#"
            build
              cache_dir = "/home/u/c" (kiln.toml:3)
              remote_cache = "grpc://h:80" (kiln.toml:5)
              remote_token_file = "/w/t" (kiln.toml:6)"#]],
    );
    mistake(
        "[remote]\ncache = '%(hots)s'",
        expect![[r#"
        error: nothing is called `hots`
          --> kiln.toml:2:9
           |
         2 | cache = '%(hots)s'
           |         ^^^^^^^^^^
        hint: names are keys of this section and of `[DEFAULT]`, `env.VARIABLE`, `buildroot` and `homedir`"#]],
    );
}

/// OPT-051: all of them, each with its place and what is near.
#[test]
fn every_mistake_is_told() {
    mistake(
        "[GLOBAL]\njbos = 4\nkeep_going = 'maybe'\ntest_output = 'all'\nkilnrc = false\nshow_result = [1]\ncopt = '[1'\n[tets]\n[test]\noutput = 'al'\n",
        expect![[r#"
            error: there is no option `jbos` in `[GLOBAL]`
              --> kiln.toml:2:1
               = also: `maybe` is no value for `keep_going`: expected `true` or `false`
              --> kiln.toml:3:14
               |
             3 | keep_going = 'maybe'
               |              ^^^^^^^
               = also: there is no option `test_output` in `[GLOBAL]`; write `output` in `[test]`
              --> kiln.toml:4:1
               = also: there is no option `kilnrc` in `[GLOBAL]`; `--kilnrc` is a flag only
              --> kiln.toml:5:1
               = also: `show_result` needs a whole number
              --> kiln.toml:6:15
               |
             6 | show_result = [1]
               |               ^^^
               = also: no list for `copt`: expected `,` or `]` at character 3
              --> kiln.toml:7:8
               |
             7 | copt = '[1'
               |        ^^^^
               = also: there is no section `tets`; did you mean `test`?
              --> kiln.toml:8:2
               = also: `al` is no value for `test_output`: expected `summary`, `errors`, `all` or `streamed`; did you mean `all`?
              --> kiln.toml:10:10
                |
             10 | output = 'al'
                |          ^^^^
            hint: did you mean `jobs`?"#]],
    );
    mistake(
        "GLOBAL = 1",
        expect![[r#"
        error: `GLOBAL` needs a table
          --> kiln.toml:1:10
        hint: write the options below a line `[GLOBAL]`"#]],
    );
    mistake(
        "[GLOBAL]\ncopt = {a = 'b'}",
        expect![[r#"
        error: `copt` needs a list
          --> kiln.toml:2:8
           |
         2 | copt = {a = 'b'}
           |        ^^^^^^^^^"#]],
    );
    mistake(
        "[GLOBAL]\ndefine = {'a=b' = 'c'}",
        expect![[r#"
        error: a name here is neither empty nor holds `=`
          --> kiln.toml:2:11
           |
         2 | define = {'a=b' = 'c'}
           |           ^^^^^"#]],
    );
    check(
        &[],
        &[("KILN_JOBS", "some"), ("KILN_COPT", "[1")],
        "build",
        expect![[r#"
            error: no list for `copt`: expected `,` or `]` at character 3
               = the variable `KILN_COPT` says so
               = in `[1`
               = also: `some` is no value for `jobs`: expected a number, `auto`, or `HOST_CPUS` with `*` or `-` and a number
               = the variable `KILN_JOBS` says so"#]],
    );
}

/// Secrets are in no message.
#[test]
fn secrets_are_not_shown() {
    for text in [
        "[remote]\nheader = ['hunter2']",
        "[remote]\nheader = '[hunter2'",
        "[remote]\nheadr = ['x=hunter2']",
        "[remote]\nheader = ['x=hunter2'",
        "[remote]\nheader = {'=' = 'hunter2'}",
        "[remote]\nheader = ['x=hunter2 %(no)s']",
        "[remot]\nheader = ['x=hunter2']",
        "remot = {header = ['x=hunter2']}",
    ] {
        let result = load_with(&[("kiln.toml", text)], &[], &["build"]);
        let shown = result.unwrap_err().render();
        assert!(!shown.contains("hunter2"), "{text}:\n{shown}");
    }
    let variables = [("KILN_REMOTE_HEADER", "['hunter2']")];
    let shown = load_with(&[], &variables, &["build"]).unwrap_err().render();
    assert!(!shown.contains("hunter2"), "{shown}");
}
