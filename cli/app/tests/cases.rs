//! The workspaces in `testdata/cases`: each is built and tested as it stands.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use kiln_testkit::{Output, Workspace};
use serde_json::Value;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cases")
}

/// Copies all files; modes count, since scripts have to be executable.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_name() == "kiln-out" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

fn case(name: &str) -> Workspace {
    let workspace = Workspace::new(KILN);
    copy(&folder().join(name), &workspace.root());
    workspace
}

/// What of the summary is the same for every run.
fn summary(output: &Output) -> Value {
    let line = output.stdout.lines().last().unwrap_or_default();
    let mut summary: Value =
        serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", output.show()));
    let object = summary.as_object_mut().unwrap();
    object.retain(|name, _| matches!(&**name, "targets" | "tests"));
    object["tests"].as_object_mut().unwrap().remove("cached");
    summary
}

#[test]
fn every_case_builds_and_passes() {
    let mut cases = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_type().unwrap().is_dir() {
            continue;
        }
        cases += 1;
        let name = entry.file_name().into_string().unwrap();
        let output = case(&name).kiln("test //... --format=json");
        assert_eq!(output.code, Some(0), "{name}\n{}", output.show());
        let expected = fs::read_to_string(entry.path().join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        assert_eq!(summary(&output), expected, "{name}");
    }
    assert!(cases > 0);
}

/// What comments in the cases say can be tried.
#[test]
fn what_else_can_be_tried() {
    for (name, command, code) in [
        ("configurations", "test //... --//:size=large", 0),
        ("configurations", "test //... -c opt", 0),
        ("configurations", "build //:elsewhere", 1),
        ("genrules", "test //... --stamp --embed_label=v1", 0),
        ("tests", "test //:broken", 3),
    ] {
        let output = case(name).kiln(command);
        assert_eq!(
            output.code,
            Some(code),
            "{name}: {command}\n{}",
            output.show()
        );
    }
    let workspace = case("genrules");
    workspace.kiln("build //:version --stamp --embed_label=v1");
    let version = workspace.read("kiln-out/fastbuild/bin/version.txt");
    assert_eq!(version.as_deref(), Some("BUILD_EMBED_LABEL v1\n"));
}
