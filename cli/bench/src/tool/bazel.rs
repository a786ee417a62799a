//! Bazel, and what Debian's needs in order to work without a network.

use std::path::{Path, PathBuf};

use kiln_diag::Diag;

use super::{Folders, Plan, Tool, text, write};
use crate::scenario::Step;

/// Where Debian installs Bazel's own files, and the repositories that its Bazel would download.
const DEBIAN: &str = "/usr/share/bazel";
const DEBIAN_REPOSITORIES: [(&str, &str); 4] = [
    ("platforms", "tools/platforms"),
    ("bazel_skylib", "tools/skylib"),
    ("rules_java", "rules/java"),
    ("rules_proto", "rules/proto"),
];

/// The rules that `@rules_cc//cc:defs.bzl` of the stand-in passes on. Bazel 4 has them built in.
const NATIVE_CC: [&str; 11] = [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_proto_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_suite",
    "fdo_prefetch_hints",
    "fdo_profile",
    "objc_import",
    "objc_library",
];

/// Whether an executable is its server, or a helper of its own.
pub(super) fn owns(folders: &Folders, executable: &Path) -> bool {
    executable.starts_with(DEBIAN)
        || executable.starts_with(folders.state.join("bazel/install"))
        // The trees have nothing to do with Java: this is the server.
        || executable.file_name().is_some_and(|name| name == "java")
}

/// The command that ends its server.
pub(super) fn stop(tool: &Tool, folders: &Folders) -> Vec<String> {
    start(tool, folders, &["shutdown"])
}

/// A command with the flags of every command.
fn start(tool: &Tool, folders: &Folders, words: &[&str]) -> Vec<String> {
    let rc = format!("--bazelrc={}", text(&folders.state.join("bazelrc")));
    let flags = ["--nohome_rc", "--noworkspace_rc", &rc];
    tool.words(&[&flags, words].concat())
}

/// What a step comes down to.
pub(super) fn plan(tool: &Tool, step: Step, folders: &Folders) -> Plan {
    let disk = format!("--disk_cache={}", text(&folders.state.join("disk")));
    let command = |words: &[&str]| Plan::command(start(tool, folders, words));
    match step {
        Step::List => command(&["query", "//..."]),
        Step::Build => command(&["build", "//..."]),
        Step::BuildCached => command(&["build", &disk, "//..."]),
        Step::Clean => command(&["clean"]),
        // Repositories that it has set up, and its unpacked self, stay: that is to its advantage.
        Step::Wipe => {
            let mut plan = command(&["clean"]);
            plan.commands.push(stop(tool, folders));
            plan.remove.push(folders.state.join("disk"));
            plan
        }
        Step::Version | Step::Edit(_) => Plan::default(),
    }
}

/// Repositories in place of those that Bazel 4 would download, and an rc file that names them: its
/// path. Give it to Bazel as `--bazelrc=PATH`, with `--nohome_rc --noworkspace_rc`.
///
/// Errors: files that cannot be written.
pub fn bazel_rc(state: &Path) -> Result<PathBuf, Diag> {
    let stand_ins = state.join("stand-ins");
    let native: String = NATIVE_CC
        .map(|rule| format!("{rule} = native.{rule}\n"))
        .concat();
    let visible = "visibility = [\"//visibility:public\"]";
    let files = [
        ("rules_cc/WORKSPACE", String::new()),
        ("rules_cc/BUILD", String::new()),
        (
            "rules_cc/cc/BUILD",
            format!("toolchain_type(name = \"toolchain_type\", {visible})\n"),
        ),
        ("rules_cc/cc/defs.bzl", native),
        ("remote_coverage_tools/WORKSPACE", String::new()),
        (
            "remote_coverage_tools/BUILD",
            format!("filegroup(name = \"coverage_report_generator\", {visible})\n"),
        ),
    ];
    for (path, content) in files {
        write(&stand_ins.join(path), &content)?;
    }
    let mut rc = format!(
        "startup --output_user_root={}\nstartup --max_idle_secs=900\n",
        text(&state.join("bazel"))
    );
    if Path::new(DEBIAN).is_dir() {
        let ours = ["rules_cc", "remote_coverage_tools"].map(|name| (name, stand_ins.join(name)));
        let theirs = DEBIAN_REPOSITORIES.map(|(name, path)| (name, Path::new(DEBIAN).join(path)));
        for (name, path) in ours.into_iter().chain(theirs) {
            rc += &format!("common --override_repository={name}={}\n", text(&path));
        }
        // Debian turns it on for all users: every action would print and keep its sandbox.
        rc += "build --nosandbox_debug\n";
    }
    let path = state.join("bazelrc");
    write(&path, &rc)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn bazels_rc_file_names_the_stand_ins() {
        let folder = tempfile::TempDir::new().unwrap();
        let rc = fs::read_to_string(bazel_rc(folder.path()).unwrap()).unwrap();
        assert!(rc.starts_with("startup --output_user_root="), "{rc}");
        let defs = folder.path().join("stand-ins/rules_cc/cc/defs.bzl");
        let defs = fs::read_to_string(defs).unwrap();
        assert!(defs.contains("cc_library = native.cc_library\n"), "{defs}");
    }
}
