//! `per_platform`: values by the platform of the environment.

use expect_test::expect;
use kiln_process::Platform;
use kiln_testkit::Workspace;

use crate::KILN;

/// Says its platform instead of this machine's, so that what is expected is the same on all.
fn run(files: &str, command_line: &str) -> String {
    let host = Platform::host().map_or("another one", Platform::name);
    let shown = Workspace::with(KILN, files).kiln(command_line).show();
    shown.replace(&format!("is `{host}`"), "is `[HOST]`")
}

const FILES: &str = "
//- kiln.toml
[environments-preview.names]
here = \"//:here\"
arm = \"//:arm\"
//- BUILD
local_environment(name = \"here\")
remote_environment(name = \"arm\", platform = \"linux_arm64\")
genrule(
    name = \"text\",
    outs = [\"text.txt\"],
    cmd = \"echo \" + per_platform(
        linux_arm64 = \"here\", linux_x86_64 = \"here\", macos_arm64 = \"here\", macos_x86_64 = \"here\",
    ) + \" and > $@\",
)
filegroup(
    name = \"arm_only\",
    srcs = per_platform(linux_arm64 = [], linux_x86_64 = [\"missing.txt\"]),
    environment = \"arm\",
)
";

#[test]
fn the_environment_of_a_target_chooses_bld_110() {
    let workspace = Workspace::with(KILN, FILES);
    let output = workspace.kiln("build //:text");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let text = workspace.read("kiln-out/fastbuild-here/bin/text.txt");
    assert_eq!(text.as_deref(), Some("here and\n"));
}

/// On another platform than this machine's: nothing runs there, so that no server is asked.
#[test]
fn remote_environments_say_their_platform() {
    let command = "build //:arm_only --nobuild --remote_executor=grpc://127.0.0.1:1";
    expect![[r#"
        exit: 0
        --- stderr
        checked 1 target in [TIME]
    "#]]
    .assert_eq(&run(FILES, command));
}

#[test]
fn no_value_for_a_platform_names_it_bld_110() {
    let files = "
//- BUILD
filegroup(name = \"x\", srcs = per_platform(macos_x86_64 = [\"mac.txt\"]))
//- mac.txt
";
    // One that is not this machine's.
    let other = match Platform::host() {
        Some(Platform::MacosX86_64) => Platform::MacosArm64,
        _ => Platform::MacosX86_64,
    };
    let files = files.replace("macos_x86_64", other.name());
    expect![[r#"
        exit: 1
        --- stderr
        error: attribute `srcs` of `//:x`: no branch of its `select` matches the configuration
          --> BUILD:1:30
           |
         1 | filegroup(name = "x", srcs = per_platform(macos_x86_64 = ["mac.txt"]))
           |                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = conditions: `@@kiln_builtins//core:macos_x86_64`
           = the platform of the environment is `[HOST]`
           = `per_platform` has values for `macos_x86_64`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]]
    .assert_eq(&run(&files, "build //:x").replace(other.name(), "macos_x86_64"));
}

#[test]
fn mistakes_bld_110() {
    let mistake = |value: &str| {
        run(
            &format!("\n//- BUILD\nfilegroup(name = \"x\", srcs = {value})\n"),
            "list //:all",
        )
    };
    expect![[r#"
        exit: 1
        --- stderr
        error: `per_platform` needs a value for at least one platform: `linux_x86_64 = …`
          --> @kiln_builtins//core/environments.bzl:137:9
             |
         137 |         fail("`per_platform` needs a value for at least one platform: `linux_x86_64 = …`")
             |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `per_platform` was called from BUILD:1:30
    "#]].assert_eq(&mistake("per_platform()"));
    expect![[r#"
        exit: 1
        --- stderr
        error: the values of `per_platform` must be of one type: `linux_arm64` is of type list, `macos_arm64` is of type string
          --> @kiln_builtins//core/environments.bzl:143:9
             |
         143 |         fail("the values of `per_platform` must be of one type: " + ", ".join(shown))
             |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `per_platform` was called from BUILD:1:30
    "#]].assert_eq(&mistake(
        "per_platform(linux_arm64 = [], macos_arm64 = \"x\")",
    ));
    expect![[r#"
        exit: 1
        --- stderr
        error: `per_platform` has no parameter `linux`
          --> BUILD:1:30
           |
         1 | filegroup(name = "x", srcs = per_platform(linux = []))
           |                              ^^^^^^^^^^^^^^^^^^^^^^^^
        hint: remove it, or correct its name
    "#]]
    .assert_eq(&mistake("per_platform(linux = [])"));
    expect![[r#"
        exit: 1
        --- stderr
        error: attribute `srcs` of filegroup `//:x`: expected a list of labels, got `1` of type int
          --> BUILD:1:23
           |
         1 | filegroup(name = "x", srcs = per_platform(linux_arm64 = 1))
           |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in the branch @@kiln_builtins//core:linux_arm64 of a `select`
        hint: write a list: `["file.txt", ":target"]`
    "#]]
    .assert_eq(&mistake("per_platform(linux_arm64 = 1)"));
}
