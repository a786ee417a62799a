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
    name = \"all\",
    outs = [\"all.txt\"],
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
    let output = workspace.kiln("build //:all");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let text = workspace.read("kiln-out/fastbuild-here/bin/all.txt");
    assert_eq!(text.as_deref(), Some("here and\n"));
}

/// On another platform than this machine's: nothing runs there, so that no server is asked.
#[test]
fn remote_environments_say_their_platform() {
    let command = "build //:arm_only --nobuild --remote_executor=grpc://127.0.0.1:1";
    expect![[r#""#]].assert_eq(&run(FILES, command));
}

#[test]
fn no_value_for_a_platform_names_it_bld_110() {
    let files = "
//- BUILD
filegroup(name = \"x\", srcs = per_platform(macos_x86_64 = [\"mac.txt\"]))
//- mac.txt
";
    if Platform::host() == Some(Platform::MacosX86_64) {
        return;
    }
    expect![[r#""#]].assert_eq(&run(files, "build //:x"));
}

#[test]
fn mistakes_bld_110() {
    let mistake = |value: &str| {
        run(
            &format!("\n//- BUILD\nfilegroup(name = \"x\", srcs = {value})\n"),
            "list //:all",
        )
    };
    expect![[r#""#]].assert_eq(&mistake("per_platform()"));
    expect![[r#""#]].assert_eq(&mistake(
        "per_platform(linux_arm64 = [], macos_arm64 = \"x\")",
    ));
    expect![[r#""#]].assert_eq(&mistake("per_platform(linux = [])"));
    expect![[r#""#]].assert_eq(&mistake("per_platform(linux_arm64 = 1)"));
}
