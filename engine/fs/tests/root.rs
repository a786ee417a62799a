//! Listings and reading.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use expect_test::{Expect, expect};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_fs::{SourceRoot, TEXT_LIMIT};

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn show<T: std::fmt::Debug>(folder: &Path, result: Result<T, Diag>) -> String {
    let shown = match result {
        Ok(value) => format!("{value:?}"),
        Err(diag) => diag.render(),
    };
    shown.replace(&folder.display().to_string(), "ROOT")
}

#[test]
fn a_listing_tells_where_links_lead() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("r/d/sub")).unwrap();
    fs::write(at("r/d/BUILD"), "").unwrap();
    fs::create_dir(at("r/d/BUILD.bazel")).unwrap();
    for (link, target) in [
        ("above", "../.."),
        ("in", "sub"),
        ("none", "x"),
        ("out", "../../o"),
        ("self", "self"),
    ] {
        symlink(target, at("r/d").join(link)).unwrap();
    }
    fs::write(at("o"), "").unwrap();
    let root = SourceRoot::open(&at("r")).unwrap();
    let listing = root.list(&path("d")).unwrap().unwrap();
    let lines: Vec<String> = listing
        .entries()
        .iter()
        .map(|entry| format!("{} {:?}", entry.name, entry.kind))
        .collect();
    let real = folder.path().canonicalize().unwrap();
    expect![[r#"
        BUILD File
        BUILD.bazel Directory
        above Symlink(Link { to: Directory, place: Above })
        in Symlink(Link { to: Directory, place: Inside("d/sub") })
        none Symlink(Link { to: Missing, place: Outside("") })
        out Symlink(Link { to: File, place: Outside("ROOT/o") })
        self Symlink(Link { to: Missing, place: Outside("") })
        sub Directory"#]]
    .assert_eq(
        &lines
            .join("\n")
            .replace(&real.display().to_string(), "ROOT"),
    );
    assert_eq!(listing.build_file(), Some("BUILD"));
    assert_eq!(root.list(&path("nowhere")).unwrap(), None);
    assert_eq!(root.list(&path("d/BUILD")).unwrap(), None);
    assert_eq!(root.list(&path("d")).unwrap(), Some(listing));
}

#[test]
fn reading() {
    let folder = tempfile::tempdir().unwrap();
    let root = SourceRoot::open(folder.path()).unwrap();
    fs::write(folder.path().join("text"), "ä").unwrap();
    fs::write(folder.path().join("latin"), b"one\ntwo caf\xe9\n").unwrap();
    fs::write(folder.path().join("long"), vec![b'x'; 100]).unwrap();
    symlink("loop", folder.path().join("loop")).unwrap();
    let check = |name: &str, limit: u64, expect: Expect| {
        let read = root.read_text(&path(name), limit);
        expect.assert_eq(&show(folder.path(), read));
    };
    check("text", TEXT_LIMIT, expect![[r#"Some("ä")"#]]);
    check("none", TEXT_LIMIT, expect!["None"]);
    check("text/none", TEXT_LIMIT, expect!["None"]);
    check(
        "",
        TEXT_LIMIT,
        expect!["error: `ROOT` is a folder, not a file"],
    );
    check(
        "long",
        99,
        expect!["error: `ROOT/long` is larger than the 99 bytes that such a file may have"],
    );
    check(
        "long",
        100,
        expect![[
            r#"Some("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")"#
        ]],
    );
    check(
        "latin",
        TEXT_LIMIT,
        expect![[r#"
        error: `latin` is not UTF-8: byte 0xe9 cannot stand here
          --> latin:2:8
           |
         2 | two caf�
           |        ^
        hint: convert it, for example from Latin-1 with `iconv -f latin1 -t utf-8 latin`"#]],
    );
    check(
        "loop",
        TEXT_LIMIT,
        expect![[r#"
        error: cannot read `ROOT/loop`: too many levels of symbolic links
        hint: its symbolic links lead back to themselves; see `namei ROOT/loop`"#]],
    );
}

#[test]
fn devices_are_not_read() {
    let root = SourceRoot::open(Path::new("/dev")).unwrap();
    let read = root.read(&path("zero"), TEXT_LIMIT);
    expect!["error: `/dev/zero` is not a regular file (a pipe, a socket or a device)"]
        .assert_eq(&show(Path::new("/x"), read));
}

#[test]
fn a_root_must_be_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let check = |name: &str, expect: Expect| {
        let root = SourceRoot::open(&folder.path().join(name));
        expect.assert_eq(&show(folder.path(), root.map(|_| ())));
    };
    check("file", expect!["error: `ROOT/file` is not a folder"]);
    check(
        "none",
        expect!["error: cannot open `ROOT/none`: no such file or directory"],
    );
}
