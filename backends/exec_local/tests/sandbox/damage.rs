//! Blobs that are gone or damaged: never a wrong result, and whoever asks hears which it is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kiln_base::Digest;
use kiln_exec_local::{LocalExecutor, Sandbox};
use kiln_process::{ExecError, Exit, Process};

use crate::Test;
use crate::support::{self, Fixture, paths, sh};

pub const TESTS: &[Test] = &[
    ("a blob that is gone is named (PX-090)", gone),
    ("a blob that was written to is gone", damaged),
    ("folders that are shown whole are looked at", in_a_folder),
];

/// The file of a blob.
fn file(fixture: &Fixture, content: &str) -> PathBuf {
    let digest = Digest::of(content.as_bytes());
    fixture.store.blob_path(&digest, false).unwrap()
}

fn overwrite(path: &PathBuf, content: &str) {
    let mode = |mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    fs::write(path, content).unwrap();
    mode(0o444);
}

fn executors(fixture: &Fixture) -> Vec<LocalExecutor> {
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(fixture.folder.path(), open).unwrap();
    let tiers = [Sandbox::Require, Sandbox::Landlock, Sandbox::Off];
    let executor = |sandbox| {
        let mut config = fixture.config();
        config.sandbox = sandbox;
        fixture.executor_with(config)
    };
    tiers.into_iter().map(executor).collect()
}

fn process(fixture: &Fixture) -> Process {
    let mut process = sh("cat in/a out/o; echo b > out/o");
    process.inputs = fixture.tree(&[("in/a", "a\n"), ("out/o", "o\n")]);
    process.outputs = paths(&["out/o"]);
    process
}

fn missing(fixture: &Fixture, executor: &LocalExecutor, process: &Process) -> Option<Digest> {
    let run = support::run(executor, process);
    match fixture.runtime.block_on(run) {
        Err(ExecError::MissingBlob(digest)) => Some(digest),
        Err(error) => panic!("{error}"),
        Ok(result) => {
            assert_eq!(result.exit, Exit::Code(0));
            assert_eq!(fixture.text(&result.stdout), "a\no\n");
            None
        }
    }
}

fn gone(fixture: &Fixture) {
    for executor in executors(fixture) {
        // One that is shown, one that is copied.
        for content in ["a\n", "o\n"] {
            let process = process(fixture);
            assert_eq!(missing(fixture, &executor, &process), None);
            fs::remove_file(file(fixture, content)).unwrap();
            let digest = Digest::of(content.as_bytes());
            assert_eq!(missing(fixture, &executor, &process), Some(digest));
            fixture.store.put_bytes(content.as_bytes()).unwrap();
            assert_eq!(missing(fixture, &executor, &process), None);
        }
    }
}

fn damaged(fixture: &Fixture) {
    for executor in executors(fixture) {
        for content in ["a\n", "o\n"] {
            let process = process(fixture);
            overwrite(&file(fixture, content), "!\n");
            let digest = Digest::of(content.as_bytes());
            assert_eq!(missing(fixture, &executor, &process), Some(digest));
            fixture.store.put_bytes(content.as_bytes()).unwrap();
            assert_eq!(missing(fixture, &executor, &process), None);
        }
    }
}

fn in_a_folder(fixture: &Fixture) {
    let executor = fixture.executor();
    let names: Vec<String> = (0..30).map(|n| format!("big/f{n}")).collect();
    let mut entries: Vec<(&str, &str)> = names.iter().map(|name| (&**name, &**name)).collect();
    entries.push(("out/keep", ""));
    let mut process = sh("cat big/*");
    process.inputs = fixture.tree(&entries);
    let run = || fixture.runtime.block_on(support::run(&executor, &process));
    let whole = run().unwrap().stdout;
    let scratch = fs::read_dir(fixture.folder.path().join("scratch")).unwrap();
    let trees = scratch
        .map(|entry| entry.unwrap().path().join("trees"))
        .next()
        .unwrap();
    let begun = Instant::now();
    let in_time = || assert!(begun.elapsed() < Duration::from_secs(60));
    while fs::read_dir(&trees).unwrap().next().is_none() {
        in_time();
        assert_eq!(run().unwrap().stdout, whole);
    }
    overwrite(&file(fixture, "big/f7"), "?ig/f7");
    // The folder may be taken for what it was, for a second; never longer.
    let digest = Digest::of(b"big/f7");
    while run().is_ok() {
        in_time();
    }
    assert!(matches!(run(), Err(ExecError::MissingBlob(lost)) if lost == digest));
    fixture.store.put_bytes(b"big/f7").unwrap();
    for _ in 0..5 {
        assert_eq!(run().unwrap().stdout, whole);
    }
}
