//! Which environments match, on machines that this is not (ENV-045 … ENV-056).

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

#[path = "common/world.rs"]
mod world;

use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_process::Platform;
use kiln_rules_core::environments::{Chosen, EnvironmentKey, EnvironmentOptions, NamedEnvironment};
use kiln_rules_core::keys::RepoOptions;
use world::World;

const TARGETS: &str = r#"
local_environment(name = "any")
local_environment(name = "intel", compatible_platforms = ["linux_x86_64"])
local_environment(name = "intel_or", compatible_platforms = ["linux_x86_64"], fallback_environment = "other")
local_environment(name = "nowhere", compatible_platforms = [], fallback_environment = "other")
docker_environment(name = "docker", image = "i")
docker_environment(name = "docker_intel", image = "i", platform = "linux_x86_64")
docker_environment(name = "docker_intel_or", image = "i", platform = "linux_x86_64", fallback_environment = "other")
docker_environment(name = "docker_or_ws", image = "i", platform = "linux_x86_64", fallback_environment = "__local_workspace__")
remote_environment(name = "remote")
remote_environment(name = "remote_or", fallback_environment = "docker_intel_or")
remote_environment(name = "remote_or_local", fallback_environment = "__local__")
local_environment(name = "other")
experimental_workspace_environment(name = "ws")
"#;

const ALL: [&str; 11] = [
    "any",
    "intel",
    "intel_or",
    "nowhere",
    "docker",
    "docker_intel",
    "docker_intel_or",
    "docker_or_ws",
    "remote",
    "remote_or",
    "remote_or_local",
];

struct Machine {
    host: Platform,
    docker: bool,
    remote: bool,
}

const ARM: Machine = Machine {
    host: Platform::LinuxArm64,
    docker: true,
    remote: false,
};

/// What each name comes down to; those in `named` have names.
async fn check(machine: Machine, named: &[&str], asked: &[&str], expect: Expect) {
    let world = World::new(&[("BUILD", TARGETS)]);
    let session = world.engine.session();
    let mut options = EnvironmentOptions {
        no_docker: (!machine.docker).then_some("containers are off"),
        no_remote: (!machine.remote).then_some("remote execution is off"),
        no_workspace: None,
        host: Some(machine.host),
        ..EnvironmentOptions::default()
    };
    for name in named {
        let named = NamedEnvironment {
            target: format!("//:{name}"),
            origin: "a test".to_owned(),
            span: None,
        };
        options.names.insert(Arc::from(*name), named);
    }
    let mut text = String::new();
    for name in asked {
        let key = EnvironmentKey(Arc::from(*name));
        let key = (key, options.clone(), RepoOptions::default());
        text += &match session.query::<Chosen, _>(key).await {
            Ok(chosen) => {
                let steps = chosen.left.iter().map(|(name, _)| format!("{name} -> "));
                let last = match &*chosen.name {
                    "" => "this machine",
                    name => name,
                };
                format!("{name}: {}{last}\n", steps.collect::<String>())
            }
            Err(error) => format!("{name}: {}\n", error.message()),
        };
    }
    expect.assert_eq(&text);
}

fn all_and(more: &[&'static str]) -> Vec<&'static str> {
    [&ALL[..], more].concat()
}

/// ENV-056, ENV-003, ENV-004, ENV-007, ENV-052
#[tokio::test]
async fn vectors_env_056() {
    let named = all_and(&["other", "ws"]);
    check(ARM, &named, &ALL, expect![[r#"
        any: any
        intel: environment `intel` (`//:intel`) cannot be used: this machine is `linux_arm64`, and it is compatible with `linux_x86_64`
        intel_or: intel_or -> other
        nowhere: nowhere -> other
        docker: docker
        docker_intel: environment `docker_intel` (`//:docker_intel`) cannot be used: its platform is `linux_x86_64`, and this machine is `linux_arm64`
        docker_intel_or: docker_intel_or -> other
        docker_or_ws: docker_or_ws -> ws
        remote: environment `remote` (`//:remote`) cannot be used: remote execution is off
        remote_or: remote_or -> docker_intel_or -> other
        remote_or_local: `__local__` is ambiguous: `any` (`//:any`) and `other` (`//:other`) fit this machine
    "#]]).await;
    let machine = Machine {
        docker: false,
        ..ARM
    };
    check(
        machine,
        &named,
        &["docker", "docker_intel_or", "remote_or"],
        expect![[r#"
            docker: environment `docker` (`//:docker`) cannot be used: containers are off
            docker_intel_or: docker_intel_or -> other
            remote_or: remote_or -> docker_intel_or -> other
        "#]],
    )
    .await;
    let machine = Machine {
        remote: true,
        ..ARM
    };
    check(
        machine,
        &named,
        &["remote", "remote_or"],
        expect![[r#"
        remote: remote
        remote_or: remote_or
    "#]],
    )
    .await;
    // Docker's machine on macOS runs either.
    let machine = Machine {
        host: Platform::MacosArm64,
        ..ARM
    };
    check(
        machine,
        &named,
        &["docker", "docker_intel", "intel_or"],
        expect![[r#"
            docker: docker
            docker_intel: docker_intel
            intel_or: intel_or -> other
        "#]],
    )
    .await;
}

/// ENV-040, ENV-041, ENV-043, ENV-044, ENV-048, ENV-057
#[tokio::test]
async fn special_names_env_044() {
    let special = ["__local__", "__local_workspace__"];
    check(ARM, &[], &special, expect![[r#"
        __local__: this machine
        __local_workspace__: no named `experimental_workspace_environment` fits this machine, which is `linux_arm64`
    "#]]).await;
    // One of each kind is not ambiguous.
    check(
        ARM,
        &["other", "ws"],
        &special,
        expect![[r#"
        __local__: other
        __local_workspace__: ws
    "#]],
    )
    .await;
    // A name that is not given is none.
    check(
        ARM,
        &["intel", "any"],
        &["__local__", "other"],
        expect![[r#"
            __local__: any
            other: unrecognized environment `other`
        "#]],
    )
    .await;
    // None fits: it is this machine as such, remote or not.
    let machine = Machine {
        remote: true,
        ..ARM
    };
    check(machine, &["intel", "remote"], &special, expect![[r#"
        __local__: this machine
        __local_workspace__: no named `experimental_workspace_environment` fits this machine, which is `linux_arm64`
    "#]]).await;
}
