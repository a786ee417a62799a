//! Capturing sources: what is captured is what is in the store (R13), and nothing is read twice
//! for nothing.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use expect_test::{Expect, expect};
use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;
use kiln_fs::SourceRoot;
use kiln_store::{StatTable, Store, StoreConfig};
use kiln_tree::Node;

struct Place {
    folder: tempfile::TempDir,
    store: Store,
    rows: StatTable,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        let mut config = StoreConfig::new(folder.path().join("store"));
        config.socket_dir = Some(folder.path().join("run"));
        config.max_bytes = Some(1 << 30);
        let store = Store::open(config).unwrap();
        let rows = store.stat_table("test");
        Place {
            folder,
            store,
            rows,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("src").join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn capture(&self, name: &str) -> Result<Option<Node>, Diag> {
        let root = SourceRoot::open(&self.folder.path().join("src")).unwrap();
        root.capture(&RelPath::new(name).unwrap(), &self.store, &self.rows)
    }

    fn digest(&self, name: &str) -> Digest {
        match self.capture(name).unwrap() {
            Some(Node::File { digest, .. }) => digest,
            other => panic!("{other:?}"),
        }
    }

    fn check(&self, name: &str, expect: Expect) {
        let shown = match self.capture(name) {
            Ok(Some(Node::Dir(tree))) => format!("{tree:?}"),
            Ok(node) => format!("{node:?}"),
            Err(diag) => diag.render(),
        };
        let folder = self.folder.path().display().to_string();
        expect.assert_eq(&shown.replace(&folder, "ROOT"));
    }
}

#[test]
fn bytes_are_in_the_store() {
    let place = Place::new();
    let large = vec![7; 3 << 20];
    place.write("small", b"one");
    place.write("large", &large);
    place.write("empty", b"");
    for (name, content) in [("small", &b"one"[..]), ("large", &large), ("empty", b"")] {
        let digest = place.digest(name);
        assert_eq!(digest, Digest::of(content), "{name}");
        let stored = place.store.read(&digest).unwrap();
        assert_eq!(stored.as_deref(), Some(content), "{name}");
    }
    fs::set_permissions(place.path("small"), Permissions::from_mode(0o755)).unwrap();
    place.check("small", expect!["Some(7692c3ad/3 x)"]);
    place.check("none", expect!["None"]);
    place.check("small/none", expect!["None"]);
    symlink("small", place.path("link")).unwrap();
    place.check("link", expect!["Some(7692c3ad/3 x)"]);
    symlink("large", place.path("large_link")).unwrap();
    assert_eq!(place.digest("large_link"), Digest::of(&large));
}

/// Puts the row's file back by some time, so that it is old, and returns its row.
fn age(place: &Place, name: &str) {
    let file = File::options().write(true).open(place.path(name)).unwrap();
    let old = SystemTime::now() - Duration::from_secs(3600);
    file.set_times(FileTimes::new().set_modified(old)).unwrap();
}

#[test]
fn a_fresh_file_is_never_taken_by_its_row() {
    let place = Place::new();
    place.write("a", b"old");
    assert_eq!(place.digest("a"), Digest::of(b"old"));
    let before = fs::metadata(place.path("a")).unwrap();
    // An edit of the same size, with the old mtime put back: only ctime tells, and in the same
    // tick of the clock not even that. The row is too young to be trusted.
    fs::write(place.path("a"), b"new").unwrap();
    let file = File::options().write(true).open(place.path("a")).unwrap();
    file.set_times(FileTimes::new().set_modified(before.modified().unwrap()))
        .unwrap();
    assert_eq!(place.digest("a"), Digest::of(b"new"));
}

/// A row as it is written down: tests forge them to see when they are believed.
fn forged(place: &Place, name: &str, began_after_ctime_ns: i64) -> Vec<u8> {
    let meta = fs::metadata(place.path(name)).unwrap();
    let ns = |seconds: i64, nanos: i64| seconds * 1_000_000_000 + nanos;
    let ctime = ns(meta.ctime(), meta.ctime_nsec());
    let mut row = Vec::new();
    row.extend((ctime + began_after_ctime_ns).to_le_bytes());
    row.extend(meta.size().to_le_bytes());
    row.extend(ns(meta.mtime(), meta.mtime_nsec()).to_le_bytes());
    row.extend(ctime.to_le_bytes());
    row.extend(meta.ino().to_le_bytes());
    row.extend(meta.mode().to_le_bytes());
    row.extend(Digest::of(b"xyz").hash());
    row
}

#[test]
fn a_row_is_believed_only_if_all_of_it_holds() {
    let place = Place::new();
    place.write("a", b"abc");
    age(&place, "a");
    place.store.put_bytes(b"xyz").unwrap();
    let key = place.path("a").into_os_string().into_encoded_bytes();
    let with = |row: &[u8]| {
        place.rows.put(&key, row);
        place.digest("a")
    };
    let row = forged(&place, "a", 3_000_000_000);
    assert_eq!(with(&row), Digest::of(b"xyz"), "an old row that holds");
    assert_eq!(
        with(&forged(&place, "a", 1_000_000_000)),
        Digest::of(b"abc"),
        "racy"
    );
    for at in 8..44 {
        let mut row = row.clone();
        row[at] ^= 1;
        assert_eq!(with(&row), Digest::of(b"abc"), "byte {at}");
    }
    assert_eq!(with(&row[1..]), Digest::of(b"abc"), "cut");
    // A file replaced by another one (GR-069).
    place.write("b", b"abd");
    place.rows.put(&key, &row);
    fs::rename(place.path("b"), place.path("a")).unwrap();
    assert_eq!(place.digest("a"), Digest::of(b"abd"));
}

#[test]
fn a_row_does_not_help_if_the_bytes_are_gone() {
    let place = Place::new();
    place.write("a", b"abc");
    let key = place.path("a").into_os_string().into_encoded_bytes();
    // The row names a blob that the store does not have.
    place.rows.put(&key, &forged(&place, "a", 3_000_000_000));
    assert_eq!(place.digest("a"), Digest::of(b"abc"));
    assert!(place.store.contains(&Digest::of(b"abc")));
}

#[test]
fn folders() {
    let place = Place::new();
    place.write("d/a", b"1");
    place.write("d/sub/b", b"2");
    place.write("other/c", b"3");
    fs::create_dir(place.path("d/empty")).unwrap();
    for (link, target) in [
        ("d/file", "a"),
        ("d/dir", "../other"),
        ("d/dangling", "nowhere"),
        ("d/up", ".."),
        ("d/sub/self", "."),
    ] {
        symlink(target, place.path(link)).unwrap();
    }
    place.check(
        "d",
        expect![
            "[a 6b86b273/1, dangling -> nowhere, dir/c 4e074085/1, empty dir of 0, file 6b86b273/1, sub/b d4735e3a/1, sub/self -> ., up -> ..]"
        ],
    );
    symlink("/nowhere", place.path("d/absolute")).unwrap();
    place.check(
        "d",
        expect![[r#"
            error: the symbolic link `d/absolute` leads to `/nowhere`, which cannot be captured
            hint: remove the link, or make it a relative one to something inside the folder"#]],
    );
}

#[test]
fn what_is_no_file() {
    let place = Place::new();
    let fifo = place.path("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from(0o644),
        0,
    )
    .unwrap();
    place.check(
        "fifo",
        expect!["error: `ROOT/src/fifo` is not a regular file (a pipe, a socket or a device)"],
    );
}

#[test]
fn a_file_that_never_stands_still() {
    // The kernel gives its files no size, so each reading finds more than there was.
    let place = Place::new();
    let root = SourceRoot::open(std::path::Path::new("/proc")).unwrap();
    let path = RelPath::new("self/status").unwrap();
    let diag = root.capture(&path, &place.store, &place.rows).unwrap_err();
    expect![[r#"
        error: `self/status` keeps changing: it was written to each of the 5 times it was read
        hint: stop what writes it, or list it in no target while it is written"#]]
    .assert_eq(&diag.render());
}

#[test]
fn captures_beside_a_writer_are_whole() {
    let place = Place::new();
    place.write("a", b"0");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let versions: Vec<Vec<u8>> = (0..20u8).map(|i| vec![i; 1 << 16]).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for version in versions.iter().cycle() {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                fs::write(place.path("next"), version).unwrap();
                fs::rename(place.path("next"), place.path("a")).unwrap();
            }
        });
        let mut whole: Vec<Digest> = versions.iter().map(|v| Digest::of(v)).collect();
        whole.push(Digest::of(b"0"));
        for _ in 0..200 {
            // It may keep changing; what is captured is one version, and in the store.
            if let Ok(Some(Node::File { digest, .. })) = place.capture("a") {
                assert!(whole.contains(&digest));
                let stored = place.store.read(&digest).unwrap().unwrap();
                assert_eq!(Digest::of(&stored), digest);
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
