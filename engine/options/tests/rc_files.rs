//! Rc files, as Bazel reads them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::check;
use expect_test::expect;

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
    check(
        &[(".bazelrc", "build --what is")],
        "build",
        expect![[r#"
        error: there is no flag `--what`
          --> .bazelrc:1:7
           |
         1 | build --what is
           |       ^^^^^^
        hint: take it out, or leave rc files out with `--ignore_all_rc_files`"#]],
    );
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
}

#[test]
fn wrong_lines_of_rc_files() {
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
              incompatible_disallow_empty_glob = true (.bazelrc:5)
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
              Bazel's lockfile_mode (.bazelrc:5)
              Bazel's incompatible_enable_cc_toolchain_resolution (.bazelrc:10)
              Bazel's java_runtime_version (.bazelrc:11)
              Bazel's tool_java_language_version (.bazelrc:11)
              patterns //..."#]],
    );
}
