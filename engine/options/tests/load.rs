//! Command lines and rc files (cli.md 1; bazel.md 2.8).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use kiln_diag::Diag;
use kiln_options::{HostResources, Options, RcFiles, Request, Value};
use proptest::prelude::*;

struct Files(BTreeMap<PathBuf, String>);

impl RcFiles for Files {
    fn read(&self, path: &Path) -> Result<Option<String>, Diag> {
        Ok(self.0.get(path).cloned())
    }
}

/// Loads with the workspace `/w`, in its folder `sub`. `.bazelrc` is the workspace's.
fn load(files: &[(&str, &str)], args: &[&str]) -> Result<Options, Diag> {
    let files = files
        .iter()
        .map(|(path, text)| (Path::new("/w").join(path), (*text).to_owned()));
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let request = Request {
        args: &args,
        workspace: Some(Path::new("/w")),
        cwd: Path::new("/w/sub"),
        home: Some(Path::new("/home/u")),
        os: "linux",
    };
    Options::load(&request, &Files(files.collect()))
}

fn show(options: &Options) -> String {
    let mut lines = vec![options.verb().name().to_owned()];
    for given in options.all_given() {
        let value = match &given.value {
            Value::Flag(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Text(value) => format!("{value:?}"),
        };
        lines.push(format!(
            "  {} = {value} ({})",
            given.option.name, given.origin
        ));
    }
    for flag in options.starlark_flags() {
        lines.push(format!(
            "  {} = {:?} ({})",
            flag.label, flag.value, flag.origin
        ));
    }
    for (name, _, origin) in options.bazel_flags() {
        lines.push(format!("  Bazel's {name} ({origin})"));
    }
    if !options.patterns().is_empty() {
        lines.push(format!("  patterns {}", options.patterns().join(" ")));
    }
    if !options.program_args().is_empty() {
        lines.push(format!("  program {}", options.program_args().join(" ")));
    }
    lines.extend(options.warnings().iter().map(|diag| diag.render()));
    lines.join("\n")
}

fn check(files: &[(&str, &str)], args: &str, expect: Expect) {
    let args: Vec<&str> = args.split_whitespace().collect();
    match load(files, &args) {
        Ok(options) => expect.assert_eq(&show(&options)),
        Err(diag) => expect.assert_eq(&diag.render()),
    }
}

fn line(args: &str, expect: Expect) {
    check(&[], args, expect);
}

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
fn aliases_of_starlark_flags() {
    let rc = "common --flag_alias=browser=//settings:browser\nbuild:linux --browser=firefox\n";
    check(
        &[(".bazelrc", rc)],
        "build --config=linux --flag_alias fast-mode=@r//:fast --nofast_mode --fast-mode",
        expect![[r#"
            build
              flag_alias = "browser=//settings:browser" (.bazelrc:1)
              config = "linux" (command line)
              flag_alias = "fast-mode=@r//:fast" (command line)
              //settings:browser = Some("firefox") (.bazelrc:2)
              @r//:fast = Some("false") (command line)
              @r//:fast = None (command line)"#]],
    );
    check(
        &[(".bazelrc", rc)],
        "build --nobrowser=x",
        expect![[r#"
        error: there is no flag `--nobrowser`
        hint: `kiln help build` lists the flags"#]],
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
fn lines_of_general_commands_come_first() {
    let rc = "test --jobs=4\nbuild --jobs=3\ncommon --jobs=2\nalways --jobs=1\nrun --jobs=9\n";
    check(
        &[(".bazelrc", rc)],
        "test --jobs=5",
        expect![[r#"
        test
          jobs = "1" (.bazelrc:4)
          jobs = "2" (.bazelrc:3)
          jobs = "3" (.bazelrc:2)
          jobs = "4" (.bazelrc:1)
          jobs = "5" (command line)"#]],
    );
    check(
        &[(".bazelrc", rc)],
        "build",
        expect![[r#"
        build
          jobs = "1" (.bazelrc:4)
          jobs = "2" (.bazelrc:3)
          jobs = "3" (.bazelrc:2)"#]],
    );
    check(
        &[(".bazelrc", rc)],
        "list",
        expect![[r#"
        list
          jobs = "1" (.bazelrc:4)
          jobs = "2" (.bazelrc:3)"#]],
    );
}

#[test]
fn files_in_order() {
    let files = [
        ("/etc/bazel.bazelrc", "build --copt=system"),
        (
            ".bazelrc",
            "import %workspace%/tools/a.bazelrc\nbuild --copt=workspace\ntry-import %workspace%/none\ntry-import user.bazelrc",
        ),
        ("tools/a.bazelrc", "build --copt=import"),
        ("sub/user.bazelrc", "build --copt=cwd"),
        ("/home/u/.bazelrc", "build --copt=home"),
        ("sub/named", "build --copt=named"),
    ];
    check(
        &files,
        "build --bazelrc=named --copt=line",
        expect![[r#"
        build
          copt = "system" (/etc/bazel.bazelrc:1)
          copt = "import" (tools/a.bazelrc:1)
          copt = "workspace" (.bazelrc:2)
          copt = "cwd" (sub/user.bazelrc:1)
          copt = "home" (/home/u/.bazelrc:1)
          copt = "named" (sub/named:1)
          bazelrc = "named" (command line)
          copt = "line" (command line)"#]],
    );
    check(
        &files,
        "build --noworkspace_rc --nosystem_rc --nohome_rc",
        expect![[r#"
            build
              workspace_rc = false (command line)
              system_rc = false (command line)
              home_rc = false (command line)"#]],
    );
    check(
        &files,
        "--ignore_all_rc_files build --bazelrc=named",
        expect![[r#"
            build
              ignore_all_rc_files = true (command line)
              bazelrc = "named" (command line)"#]],
    );
    check(
        &files,
        "build --bazelrc=nowhere",
        expect![[r#"
        error: there is no file `nowhere`
           = it was named by `--bazelrc`"#]],
    );
}

#[test]
fn configs() {
    let rc = "
build:a --copt=a1 --config=b --copt=a2
build:b --copt=b
test:a --test_arg=x
common:a --color=no
build --copt=plain
build --config=b
query:q --noimplicit_deps
";
    check(
        &[(".bazelrc", rc)],
        "test --copt=1 --config=a --copt=2",
        expect![[r#"
            test
              copt = "plain" (.bazelrc:6)
              config = "b" (.bazelrc:7)
              copt = "b" (.bazelrc:3)
              copt = "1" (command line)
              config = "a" (command line)
              color = "never" (.bazelrc:5)
              copt = "a1" (.bazelrc:2)
              config = "b" (.bazelrc:2)
              copt = "b" (.bazelrc:3)
              copt = "a2" (.bazelrc:2)
              test_arg = "x" (.bazelrc:4)
              copt = "2" (command line)"#]],
    );
    // A config for other commands only means nothing here.
    check(
        &[(".bazelrc", rc)],
        "build --config q",
        expect![[r#"
        build
          copt = "plain" (.bazelrc:6)
          config = "b" (.bazelrc:7)
          copt = "b" (.bazelrc:3)
          config = "q" (command line)"#]],
    );
    check(
        &[(".bazelrc", rc)],
        "build --config=bb",
        expect![[r#"
        error: no rc file defines the config `bb`
        hint: did you mean `b`?
        hint: define it in `.bazelrc` by lines such as `build:bb --copt=-O2`"#]],
    );
    check(
        &[(".bazelrc", "build --config=none")],
        "build",
        expect![[r#"
            error: no rc file defines the config `none`
              --> .bazelrc:1:7
               |
             1 | build --config=none
               |       ^^^^^^^^^^^^^
            hint: define it in `.bazelrc` by lines such as `build:none --copt=-O2`"#]],
    );
    check(
        &[(
            ".bazelrc",
            "build:a --config=b\nbuild:b --config=c\nbuild:c --config=b",
        )],
        "build --config=a",
        expect![[r#"
            error: config `b` contains itself
              --> .bazelrc:3:9
               |
             3 | build:c --config=b
               |         ^^^^^^^^^^
               = `b` -> `c` -> `b`"#]],
    );
}

#[test]
fn the_operating_system_as_a_config() {
    let rc = "
build --copt=before
common --enable_platform_specific_config
build:linux --copt=linux
build:macos --copt=macos
";
    check(
        &[(".bazelrc", rc)],
        "build",
        expect![[r#"
        build
          enable_platform_specific_config = true (.bazelrc:3)
          copt = "linux" (.bazelrc:4)
          copt = "before" (.bazelrc:2)"#]],
    );
    check(
        &[(".bazelrc", rc)],
        "build --noenable_platform_specific_config",
        expect![[r#"
            build
              enable_platform_specific_config = true (.bazelrc:3)
              copt = "before" (.bazelrc:2)
              enable_platform_specific_config = false (command line)"#]],
    );
    // Without lines for this one nothing happens.
    check(
        &[],
        "build --enable_platform_specific_config",
        expect![[r#"
            build
              enable_platform_specific_config = true (command line)"#]],
    );
}

#[test]
fn flags_of_other_commands_in_common_lines() {
    let rc = "common --copt=x --noimplicit_deps --enable_bzlmod\n";
    check(
        &[(".bazelrc", rc)],
        "build",
        expect![[r#"
        build
          copt = "x" (.bazelrc:1)
          Bazel's enable_bzlmod (.bazelrc:1)"#]],
    );
    check(
        &[(".bazelrc", rc)],
        "query //a",
        expect![[r#"
        query
          implicit_deps = false (.bazelrc:1)
          Bazel's enable_bzlmod (.bazelrc:1)
          patterns //a"#]],
    );
    check(
        &[(".bazelrc", "always --copt=x")],
        "query //a",
        expect![[r#"
            error: `query` has no flag `--copt`
              --> .bazelrc:1:8
               |
             1 | always --copt=x
               |        ^^^^^^^^
               = it is a flag of `build`, `test`, `run`"#]],
    );
}

#[test]
fn wrong_rc_files() {
    check(&[(".bazelrc", "build --what is")], "build", expect![[r#"
        error: there is no flag `--what`
          --> .bazelrc:1:7
           |
         1 | build --what is
           |       ^^^^^^
        hint: take it out, or leave rc files out with `--ignore_all_rc_files`"#]]);
    check(
        &[(".bazelrc", "\nbuild --copt=1 --cotp=x\n")],
        "build",
        expect![[r#"
            error: there is no flag `--cotp`
              --> .bazelrc:2:16
               |
             2 | build --copt=1 --cotp=x
               |                ^^^^^^^^
            hint: did you mean `--copt`?
            hint: take it out, or leave rc files out with `--ignore_all_rc_files`"#]],
    );
    check(
        &[(".bazelrc", "common --frobnicate")],
        "build",
        expect![[r#"
            error: there is no flag `--frobnicate`
              --> .bazelrc:1:8
               |
             1 | common --frobnicate
               |        ^^^^^^^^^^^^
            hint: take it out, or leave rc files out with `--ignore_all_rc_files`"#]],
    );
    check(
        &[(".bazelrc", "build //a")],
        "build",
        expect![[r#"
        error: `//a` is no flag
          --> .bazelrc:1:7
           |
         1 | build //a
           |       ^^^
        hint: lines of rc files hold flags only"#]],
    );
    check(
        &[(".bazelrc", "build --jobs")],
        "build",
        expect![[r#"
        error: `--jobs` needs a value
          --> .bazelrc:1:7
           |
         1 | build --jobs
           |       ^^^^^^
        hint: write `--jobs=VALUE`"#]],
    );
    check(
        &[(".bazelrc", "build -c \\\n  speed")],
        "build",
        expect![[r#"
            error: `speed` is no value for `--compilation_mode`: expected `fastbuild`, `dbg` or `opt`
              --> .bazelrc:2:3
               |
             2 |   speed
               |   ^^^^^"#]],
    );
    check(
        &[(
            ".bazelrc",
            "buidl --copt=x\nstartup --host_jvm_args=x\nfetch --x",
        )],
        "build",
        expect![[r#"
            build
            warning: no command is called `buidl`; the line has no effect
              --> .bazelrc:1:1
               |
             1 | buidl --copt=x
               | ^^^^^
            hint: did you mean `build`?"#]],
    );
    check(
        &[(".bazelrc", "import %workspace%/none")],
        "build",
        expect![[r#"
            error: there is no file `none`
              --> .bazelrc:1:8
               |
             1 | import %workspace%/none
               |        ^^^^^^^^^^^^^^^^
            hint: `try-import` goes on without the file"#]],
    );
    check(
        &[(".bazelrc", "import a b")],
        "build",
        expect![[r#"
        error: `import` takes one path
          --> .bazelrc:1:1
           |
         1 | import a b
           | ^^^^^^
        hint: quote a path with spaces"#]],
    );
    check(
        &[
            (".bazelrc", "import %workspace%/x"),
            ("x", "import %workspace%/.bazelrc"),
        ],
        "build",
        expect![[r#"
            error: `.bazelrc` imports itself
              --> x:1:8
               |
             1 | import %workspace%/.bazelrc
               |        ^^^^^^^^^^^^^^^^^^^^
               = by way of .bazelrc -> x"#]],
    );
    // Help works all the same (OPT-065).
    check(
        &[(".bazelrc", "build --cotp=x")],
        "help build",
        expect![[r#"
            help
              patterns build"#]],
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

#[test]
fn the_rc_files_of_real_repositories() {
    // Lines as they stand in public repositories.
    let rc = "
# Enable bzlmod
common --enable_bzlmod
common --enable_platform_specific_config
common --incompatible_disallow_empty_glob --lockfile_mode=off
build --cxxopt=-std=c++17 --host_cxxopt=-std=c++17
build:linux --cxxopt=-std=c++17
build:asan --copt -fsanitize=address --linkopt -fsanitize=address
build:asan --strip=never --dynamic_mode=off
build --incompatible_enable_cc_toolchain_resolution
build --java_runtime_version=remotejdk_17 --tool_java_language_version 17
build --per_file_copt=external/.*@-w
build --define=absl=1
build --@rules_python//python/config_settings:bootstrap_impl=script
test --test_output=errors
test --test_env=GTEST_INSTALL_FAILURE_SIGNAL_HANDLER=1
startup --windows_enable_symlinks
try-import %workspace%/user.bazelrc
";
    check(
        &[(".bazelrc", rc)],
        "test --config=asan //...",
        expect![[r#"
            test
              enable_platform_specific_config = true (.bazelrc:4)
              cxxopt = "-std=c++17" (.bazelrc:7)
              cxxopt = "-std=c++17" (.bazelrc:6)
              host_cxxopt = "-std=c++17" (.bazelrc:6)
              per_file_copt = "external/.*@-w" (.bazelrc:12)
              define = "absl=1" (.bazelrc:13)
              test_output = "errors" (.bazelrc:15)
              test_env = "GTEST_INSTALL_FAILURE_SIGNAL_HANDLER=1" (.bazelrc:16)
              config = "asan" (command line)
              copt = "-fsanitize=address" (.bazelrc:8)
              linkopt = "-fsanitize=address" (.bazelrc:8)
              strip = "never" (.bazelrc:9)
              dynamic_mode = "off" (.bazelrc:9)
              @rules_python//python/config_settings:bootstrap_impl = Some("script") (.bazelrc:14)
              Bazel's enable_bzlmod (.bazelrc:3)
              Bazel's incompatible_disallow_empty_glob (.bazelrc:5)
              Bazel's lockfile_mode (.bazelrc:5)
              Bazel's incompatible_enable_cc_toolchain_resolution (.bazelrc:10)
              Bazel's java_runtime_version (.bazelrc:11)
              Bazel's tool_java_language_version (.bazelrc:11)
              patterns //..."#]],
    );
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
