//! What flows from one environment into another, where there are workers and workspaces.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

#[path = "common/world.rs"]
mod world;

use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_process::Platform;
use kiln_rules_core::environments::{EnvironmentOptions, NamedEnvironment};
use kiln_rules_core::fit::{FitReport, FitRequest};
use kiln_rules_core::keys::RepoOptions;
use kiln_targets::{Configuration, Settings};
use world::{World, label};

const ENVIRONMENTS: &str = r#"
remote_environment(name = "arm", platform = "linux_arm64")
remote_environment(name = "intel", platform = "linux_x86_64")
local_environment(name = "here")
experimental_workspace_environment(name = "ws")
"#;

/// All is allowed, and this machine is a `linux_x86_64`.
fn options() -> EnvironmentOptions {
    let mut options = EnvironmentOptions {
        no_remote: None,
        host: Some(Platform::LinuxX86_64),
        ..EnvironmentOptions::default()
    };
    for name in ["arm", "intel", "ws", "here"] {
        let named = NamedEnvironment {
            target: format!("//:{name}"),
            origin: "a test".to_owned(),
            span: None,
        };
        options.names.insert(Arc::from(name), named);
    }
    options
}

/// What is said of `//:top`: messages, and the ways to them.
async fn check(build: &str, expect: Expect) {
    let world = World::new(&[
        ("BUILD", &format!("{ENVIRONMENTS}{build}")),
        ("m.cc", ""),
        ("l.cc", ""),
        ("s.sh", ""),
        ("f", ""),
    ]);
    let session = world.engine.session();
    let request = FitRequest {
        targets: vec![label("//:top")],
        probe: false,
    };
    let configuration = Configuration::new(Settings {
        environment: Arc::from("here"),
        ..Settings::default()
    });
    let key = (request, configuration, options(), RepoOptions::default());
    let report = session.query::<FitReport, _>(key).await.unwrap();
    let mut text = String::new();
    for finding in &report.findings {
        let place = finding.diag.span().map(ToString::to_string);
        text += &format!(
            "{}: {}\n  at {}\n",
            finding.kind.name(),
            finding.diag.message(),
            place.unwrap_or_default()
        );
        let notes = finding.diag.notes().iter();
        text.extend(notes.map(|note| format!("  {}\n", note.message)));
    }
    expect.assert_eq(&text);
}

#[tokio::test]
async fn code_for_other_platforms() {
    check(
        r#"
cc_binary(name = "top", srcs = ["m.cc"], deps = [":lib"])
cc_library(name = "lib", srcs = ["l.cc"], environment = "arm")
"#,
        expect![[r#"
            platform: `//:top` is linked with `//:lib`, which is built for another platform
              at BUILD:7:50
              `//:lib` is built in `arm` (remote_environment), for `linux_arm64`
              `//:top` is built in `here` (local_environment), for `linux_x86_64`
        "#]],
    )
    .await;
    // Of the same platform, or run where it was built.
    check(
        r#"
cc_binary(name = "top", srcs = ["m.cc"], deps = [":lib"])
cc_library(name = "lib", srcs = ["l.cc"], environment = "intel")
"#,
        expect![""],
    )
    .await;
    check(
        r#"
genrule(name = "top", outs = ["o"], cmd = "", tools = [":alias"])
alias(name = "alias", actual = ":tool")
cc_binary(name = "tool", srcs = ["m.cc"], environment = "arm")
"#,
        expect![[r#"
            platform: `//:top` runs `//:tool`, which is built for another platform
              at BUILD:7:56
              `//:tool` is built in `arm` (remote_environment), for `linux_arm64`
              `//:top` is built in `here` (local_environment), for `linux_x86_64`
        "#]],
    )
    .await;
    // Scripts run anywhere, files can be carried, and who says so is believed.
    check(
        r#"
genrule(name = "top", outs = ["o"], cmd = "", srcs = [":packed", ":files"], tools = [":script", ":portable"])
sh_binary(name = "script", srcs = ["s.sh"], environment = "arm")
genrule(name = "packed", outs = ["p"], srcs = [":bin"], cmd = "")
filegroup(name = "files", srcs = ["f"], data = [":bin"])
cc_binary(name = "bin", srcs = ["m.cc"], environment = "arm")
cc_binary(name = "portable", srcs = ["m.cc"], environment = "arm", tags = ["portable-outputs"])
"#,
        expect![""],
    )
    .await;
}

#[tokio::test]
async fn outputs_of_the_workspace() {
    check(
        r#"
genrule(name = "top", outs = ["o"], cmd = "", srcs = [":mid"])
genrule(name = "mid", outs = ["m"], cmd = "", srcs = [":made"])
genrule(name = "made", outs = ["x"], cmd = "", environment = "ws")
"#,
        expect![[r#"
            workspace: `//:mid` uses what `//:made` makes in the workspace itself
              at BUILD:8:55
              `//:made` is built in `ws` (experimental_workspace_environment), where it may read what nobody declared
              `//:mid` is built in `here` (local_environment), and what it makes is kept and shared
              the way to it: `//:top` -> `//:mid` -> environment `here`
        "#]],
    )
    .await;
    // It goes on in the workspace, passes files on, or is said to depend on nothing else.
    check(
        r#"
genrule(name = "top", outs = ["o"], cmd = "", srcs = [":made", ":declared", ":files"], environment = "__local_workspace__")
genrule(name = "made", outs = ["x"], cmd = "", environment = "ws")
genrule(name = "declared", outs = ["y"], cmd = "", environment = "ws", tags = ["portable-outputs"])
filegroup(name = "files", srcs = ["f"], environment = "ws")
"#,
        expect![""],
    )
    .await;
    check(
        r#"
genrule(name = "top", outs = ["o"], cmd = "", srcs = [":declared", ":files"])
genrule(name = "declared", outs = ["y"], cmd = "", environment = "ws", tags = ["portable-outputs"])
filegroup(name = "files", srcs = ["f"], environment = "ws")
"#,
        expect![""],
    )
    .await;
}
