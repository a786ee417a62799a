//! Fifty configurations in which all fits: nothing is said about any.

use kiln_testkit::Workspace;

use crate::KILN;

/// Where targets are built: the environments, and the name that targets say.
const ENVIRONMENTS: [(&str, &str, &str); 5] = [
    ("none has a name", "", ""),
    ("this machine", "local_environment(name = \"local\")", "it"),
    (
        "a container, or else this machine",
        "local_environment(name = \"local\")\ndocker_environment(name = \"it\", image = \"debian:12\", fallback_environment = \"local\")",
        "it",
    ),
    (
        "a worker, or else this machine",
        "local_environment(name = \"local\")\nremote_environment(name = \"it\", platform = \"linux_arm64\", fallback_environment = \"__local__\")",
        "it",
    ),
    (
        "one by a condition",
        "local_environment(name = \"local\", requires_env = [\"!CI\"])\nlocal_environment(name = \"it\", requires_env = [\"CI\"], fallback_environment = \"local\")",
        "it",
    ),
];

/// What is built: the targets of a package. `ENV` stands for what says where.
const SHAPES: [(&str, &str); 5] = [
    ("one", "genrule(name = \"a\", outs = [\"a.txt\"], cmd = \"touch $@\"ENV)"),
    (
        "needed",
        "genrule(name = \"a\", srcs = [\":files\"], outs = [\"a.txt\"], cmd = \"cat $(SRCS) > $@\"ENV)
filegroup(name = \"files\", srcs = [\":b\", \"f.txt\"])
genrule(name = \"b\", outs = [\"b.txt\"], cmd = \"touch $@\")",
    ),
    (
        "linked",
        "cc_binary(name = \"a\", srcs = [\"main.cc\"], deps = [\":lib\"]ENV)
cc_library(name = \"lib\", srcs = [\"lib.cc\"]ENV)
cc_test(name = \"t\", srcs = [\"main.cc\"], deps = [\":lib\"], data = [\":a\"])",
    ),
    (
        "tools",
        "genrule(name = \"a\", outs = [\"a.txt\"], tools = [\":tool\", \":native\"], cmd = \"touch $@\"ENV)
sh_binary(name = \"tool\", srcs = [\"tool.sh\"])
alias(name = \"native\", actual = \":main\")
cc_binary(name = \"main\", srcs = [\"main.cc\"])",
    ),
    (
        "parameters",
        "genrule(name = \"a\", outs = [\"a.txt\"], srcs = [\":b@cmd=x\", \":p\"], cmd = \"touch $@\"ENV)
genrule(name = \"b\", outs = [\"b.txt\"], cmd = parametrize(x = \"touch $@\", y = \"echo > $@\"))
genrule(name = \"p\", outs = [\"p.txt\"], cmd = per_platform(linux_arm64 = \"touch $@\", linux_x86_64 = \"touch $@\", macos_arm64 = \"touch $@\", macos_x86_64 = \"touch $@\"))",
    ),
];

/// How targets say it.
#[derive(Clone, Copy)]
enum Said {
    ByAttribute,
    ByDefault,
}

fn workspace(environments: (&str, &str, &str), said: Said) -> Workspace {
    let (_, targets, name) = environments;
    let mut files =
        format!("\n//- .bazelrc\ncommon --nodocker_execution\n//- environments/BUILD\n{targets}\n");
    if !name.is_empty() {
        let it = match targets.contains("\"it\"") {
            true => "it",
            false => "local",
        };
        files +=
            &format!("//- kiln.toml\n[environments-preview.names]\nit = \"//environments:{it}\"\n");
        if it == "it" {
            files += "local = \"//environments:local\"\n";
        }
    }
    for (shape, build) in SHAPES {
        let (defaults, attribute) = match (said, name) {
            (_, "") => (String::new(), String::new()),
            (Said::ByAttribute, name) => (String::new(), format!(", environment = \"{name}\"")),
            (Said::ByDefault, name) => (
                format!("__defaults__(all = {{\"environment\": \"{name}\"}})\n"),
                String::new(),
            ),
        };
        let build = build.replace("ENV", &attribute);
        files += &format!(
            "//- {shape}/BUILD\n{defaults}{build}\n//- {shape}/f.txt\n//- {shape}/lib.cc\n//- {shape}/main.cc\nint main() {{}}\n//- {shape}/tool.sh\n#!/bin/sh\n"
        );
    }
    Workspace::with(KILN, &files)
}

fn all_fit(said: Said) {
    for environments in ENVIRONMENTS {
        let workspace = workspace(environments, said);
        for (shape, _) in SHAPES {
            let output = workspace.kiln(&format!("env check //{shape}/..."));
            let text = format!("{}, {shape}: {}", environments.0, output.show());
            assert_eq!(output.code, Some(0), "{text}");
            assert_eq!(output.stderr, "", "{text}");
            assert!(output.stdout.contains(": all fit\n"), "{text}");
        }
        let output = workspace.kiln("build //... --nobuild");
        let text = format!("{}: {}", environments.0, output.show());
        assert_eq!(output.code, Some(0), "{text}");
        assert!(!output.stderr.contains("warning"), "{text}");
    }
}

#[test]
fn twenty_five_by_attributes() {
    all_fit(Said::ByAttribute);
}

#[test]
fn twenty_five_by_defaults() {
    all_fit(Said::ByDefault);
}
