//! Command lines (cli.md 1).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{check, line, load};
use expect_test::expect;
use kiln_options::HostResources;
use proptest::prelude::*;

#[test]
fn spellings_of_flags() {
    line(
        "build --copt=-O2 --copt -g --keep_going --nokeep-going --no-keep_going //a",
        expect![[r#"
            build
              copt = "-O2" (command line)
              copt = "-g" (command line)
              keep_going = true (command line)
              keep_going = false (command line)
              keep_going = false (command line)
              patterns //a"#]],
    );
    line(
        "build -k -c opt -copt -j4 -j 5 -j=6 -ks -s- //a",
        expect![[r#"
            build
              keep_going = true (command line)
              compilation_mode = "opt" (command line)
              compilation_mode = "opt" (command line)
              jobs = "4" (command line)
              jobs = "5" (command line)
              jobs = "6" (command line)
              keep_going = true (command line)
              subcommands = "yes" (command line)
              subcommands = "no" (command line)
              patterns //a"#]],
    );
    line(
        "test -t- --cache-test-results=true --nocache_test_results --force",
        expect![[r#"
            test
              cache_test_results = "no" (command line)
              cache_test_results = "yes" (command line)
              cache_test_results = "no" (command line)
              cache_test_results = "no" (command line)"#]],
    );
    line(
        "build --subcommands=pretty_print --subcommands --nosubcommands",
        expect![[r#"
            build
              subcommands = "pretty_print" (command line)
              subcommands = "yes" (command line)
              subcommands = "no" (command line)"#]],
    );
    line(
        "build --color=yes --curses=no --ui full --sandbox_debug --fail-fast",
        expect![[r#"
            build
              color = "always" (command line)
              ui = "plain" (command line)
              ui = "full" (command line)
              keep_sandboxes = "on-failure" (command line)
              keep_going = false (command line)"#]],
    );
    line(
        "build --verbose_failures=0 --verbose_failures=True --copt= --define a=b=c",
        expect![[r#"
            build
              verbose_failures = false (command line)
              verbose_failures = true (command line)
              copt = "" (command line)
              define = "a=b=c" (command line)"#]],
    );
}

#[test]
fn starlark_flags() {
    line(
        "build --//a:b=c --@r//a:b --@@r//a:b=x=y --no//a:b --no@r//a --//a:b=",
        expect![[r#"
            build
              //a:b = Some("c") (command line)
              @r//a:b = None (command line)
              @@r//a:b = Some("x=y") (command line)
              //a:b = Some("false") (command line)
              @r//a = Some("false") (command line)
              //a:b = Some("") (command line)"#]],
    );
}

#[test]
fn patterns_and_the_end_of_flags() {
    line(
        "test //a/... -//a/b:all -a:: -@r//x -k b/c:d :e",
        expect![[r#"
            test
              keep_going = true (command line)
              patterns //a/... -//a/b:all -a:: -@r//x b/c:d :e"#]],
    );
    line(
        "test -k -- //a/... -//a/b",
        expect![[r#"
        test
          keep_going = true (command line)
          patterns //a/... -//a/b"#]],
    );
    line(
        "run -c opt //a:b -- --flag -k -- x",
        expect![[r#"
        run
          compilation_mode = "opt" (command line)
          patterns //a:b
          program --flag -k -- x"#]],
    );
    line(
        "build -",
        expect![[r#"
        build
          patterns -"#]],
    );
}

#[test]
fn the_command() {
    line("", expect!["help"]);
    line(
        "-k --jobs 3 build //a",
        expect![[r#"
        build
          keep_going = true (command line)
          jobs = "3" (command line)
          patterns //a"#]],
    );
    line(
        "--output_base /x --batch build //a",
        expect![[r#"
        build
          Bazel's output_base (command line)
          Bazel's batch (command line)
          patterns //a"#]],
    );
    line(
        "build --help --copt=x",
        expect![[r#"
        help
          patterns build"#]],
    );
    line(
        "help test",
        expect![[r#"
        help
          patterns test"#]],
    );
    line("help --help", expect!["help"]);
    line("--version", expect!["version"]);
    line(
        "run //a -- --help",
        expect![[r#"
        run
          patterns //a
          program --help"#]],
    );
    line(
        "tset //a",
        expect![[r#"
        error: kiln has no command `tset`
        hint: did you mean `test`?
        hint: `kiln help` lists the commands"#]],
    );
}

#[test]
fn wrong_flags() {
    line(
        "build --coppt=x",
        expect![[r#"
            error: there is no flag `--coppt`
            hint: did you mean `--copt`?
            hint: `kiln help build` lists the flags"#]],
    );
    line(
        "build --frobnicate",
        expect![[r#"
        error: there is no flag `--frobnicate`
        hint: `kiln help build` lists the flags"#]],
    );
    line(
        "build --test-fliter=x",
        expect![[r#"
            error: there is no flag `--test_fliter`
            hint: did you mean `--test_filter`?
            hint: `kiln help build` lists the flags"#]],
    );
    line(
        "build --enable_bzlmodd",
        expect![[r#"
            error: there is no flag `--enable_bzlmodd`
            hint: did you mean `--enable_bzlmod`?
            hint: `kiln help build` lists the flags"#]],
    );
    line(
        "build -x",
        expect![[r#"
        error: there is no flag `-x`
        hint: `kiln help build` lists the flags"#]],
    );
    line(
        "build --jobs",
        expect![[r#"
        error: `--jobs` needs a value
        hint: write `--jobs=VALUE`"#]],
    );
}

#[test]
fn wrong_values() {
    line(
        "build --copt",
        expect![[r#"
        error: `--copt` needs a value
        hint: write `--copt=VALUE`"#]],
    );
    line(
        "build --lockfile_mode",
        expect![[r#"
        error: `--lockfile_mode` needs a value
        hint: write `--lockfile_mode=VALUE`"#]],
    );
    line(
        "build --jobs=many",
        expect![
            "error: `many` is no value for `--jobs`: expected a number, `auto`, or `HOST_CPUS` with `*` or `-` and a number"
        ],
    );
    line(
        "build -c optt",
        expect![[r#"
        error: `optt` is no value for `--compilation_mode`: expected `fastbuild`, `dbg` or `opt`
        hint: did you mean `opt`?"#]],
    );
    line(
        "build --keep_going=maybe",
        expect!["error: `maybe` is no value for `--keep_going`: expected `true` or `false`"],
    );
    line(
        "build --nokeep_going=1",
        expect![[r#"
            error: `--nokeep_going=1` takes no value
            hint: write `--nokeep_going`"#]],
    );
    line(
        "build --fail_fast=1",
        expect![[r#"
        error: `--fail_fast=1` takes no value
        hint: write `--fail_fast`"#]],
    );
    line(
        "build --nocopt",
        expect![[r#"
            error: there is no flag `--nocopt`
            hint: did you mean `--copt`?
            hint: `kiln help build` lists the flags"#]],
    );
    line(
        "build --define x",
        expect!["error: `x` is no value for `--define`: expected `NAME=VALUE`"],
    );
    line(
        "build --action_env ==",
        expect!["error: `==` is no value for `--action_env`: expected `NAME=VALUE` or `NAME`"],
    );
    line(
        "test --test_timeout=1,2 ",
        expect![
            "error: `1,2` is no value for `--test_timeout`: expected seconds: one number, or four with commas"
        ],
    );
    line(
        "test --test_size_filters=tiny",
        expect![
            "error: `tiny` is no value for `--test_size_filters`: expected `small`, `medium`, `large` or `enormous`, with commas"
        ],
    );
    line(
        "test --runs_per_test=0",
        expect![
            "error: `0` is no value for `--runs_per_test`: expected a number from 1, or `REGEX@NUMBER`"
        ],
    );
    line(
        "test --flaky_test_attempts=99",
        expect![
            "error: `99` is no value for `--flaky_test_attempts`: expected a number from 1 to 10 or `default`, or `REGEX@NUMBER`"
        ],
    );
    line(
        "query --copt=x //a",
        expect![[r#"
        error: `query` has no flag `--copt`
           = it is a flag of `build`, `test`, `run`"#]],
    );
    line(
        "build --show_result=x",
        expect!["error: `x` is no value for `--show_result`: expected a whole number"],
    );
}

#[test]
fn flags_that_only_bazel_has() {
    line(
        "build --enable_bzlmod --noenable_bzlmod --lockfile_mode=off --lockfile_mode off --disk_cache= \
         --noincompatible_foo --experimental_bar=1 --spawn_strategy local //a",
        expect![[r#"
            build
              Bazel's enable_bzlmod (command line)
              Bazel's noenable_bzlmod (command line)
              Bazel's lockfile_mode (command line)
              Bazel's lockfile_mode (command line)
              Bazel's disk_cache (command line)
              Bazel's noincompatible_foo (command line)
              Bazel's experimental_bar (command line)
              Bazel's spawn_strategy (command line)
              patterns //a"#]],
    );
}

#[test]
fn values_by_name() {
    let options = load(
        &[(
            ".bazelrc",
            "build --define=a=1 --define=b=2 --test_env=X --test_env=Y=1",
        )],
        &[
            "test",
            "--define=a=3",
            "--test_env=X=2",
            "--runs_per_test=2",
            "--runs_per_test=//a@3",
            "--flaky_test_attempts=default",
            "--flaky_test_attempts=//b@2",
            "--test_timeout=1,2,-1,4",
            "--test_tag_filters=a,-b",
            "--test_tag_filters=c, ,-d",
            "--jobs=HOST_CPUS*2",
            "--override_module=m=../m",
            "--override_repository=r=%workspace%/r",
            "--vendor_dir=../v",
        ],
    )
    .unwrap();
    let host = HostResources {
        cpus: 4,
        ram_mib: 1000,
    };
    let values = [
        format!("{:?}", options.defines()),
        format!("{:?}", options.test_env()),
        format!("{:?}", options.runs_per_test()),
        format!("{:?}", options.flaky_test_attempts()),
        format!("{:?}", options.test_timeouts()),
        format!("{:?}", options.test_tag_filters()),
        format!("{:?}", options.jobs(host)),
        format!("{:?}", options.override_modules()),
        format!("{:?}", options.override_repositories()),
        format!("{:?}", options.vendor_dir()),
        format!(
            "{:?} {:?}",
            options.keep_going(),
            options.verbose_failures()
        ),
        format!("{:?} {:?}", options.compilation_mode(), options.cpu()),
        format!(
            "{:?} {:?}",
            options.show_result(),
            options.local_test_jobs(host)
        ),
    ];
    expect![[r#"
        [("a", "3"), ("b", "2")]
        [EnvSetting { name: "X", value: Some("2") }, EnvSetting { name: "Y", value: Some("1") }]
        [(None, 2), (Some("//a"), 3)]
        [(None, None), (Some("//b"), Some(2))]
        [Some(1), Some(2), None, Some(4)]
        ["c", "-d"]
        8
        [("m", "/w/sub/../m")]
        [("r", "/w/r")]
        Some("/w/../v")
        false true
        "fastbuild" None
        1 None"#]]
    .assert_eq(&values.join("\n"));
}

proptest! {
    #[test]
    fn any_command_line_is_read_or_refused(
        args in proptest::collection::vec("(-|--|--no|--copt|--jobs|-k|-c|build|//a|=|[a-z=/@:-]{0,8}){1,3}", 0..6),
        rc in "((build|common|test|import|build:a) (--copt=x|--config=a|-c|opt|--x|%workspace%/.bazelrc)\n){0,4}",
    ) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let _ = load(&[(".bazelrc", &rc)], &args);
    }
}

/// A header may be a secret: no message, no excerpt of a file and no `Debug` output has it.
#[test]
fn secrets_are_not_shown() {
    for flag in ["remote_header", "remote_cache_header", "remote_exec_header"] {
        let wrong = format!("build --{flag}=hunter2");
        let rc = [(".bazelrc", wrong.as_str())];
        for (files, args) in [(&[][..], wrong.as_str()), (&rc[..], "build")] {
            let args: Vec<&str> = args.split_whitespace().collect();
            let error = load(files, &args).expect_err("no name").render();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let right = format!("--{flag}=authorization=hunter2");
        let options = load(&[], &["build", &right]).expect("a header");
        let shown = format!("{options:?}");
        assert!(
            shown.contains(flag) && !shown.contains("hunter2"),
            "{shown}"
        );
    }
    line(
        "build --remote_header=hunter2",
        expect![[r#"
        error: no value for `--remote_header`: expected `NAME=VALUE`
           = what was given is not shown: it may be a secret"#]],
    );
    check(
        &[(
            ".bazelrc",
            "build --jobs=2\nbuild --remote_header=hunter2\n",
        )],
        "build",
        expect![[r#"
            error: no value for `--remote_header`: expected `NAME=VALUE`
              --> .bazelrc:2:7
               = what was given is not shown: it may be a secret"#]],
    );
}
