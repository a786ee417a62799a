//! Blobs: what is put comes back, and what is damaged is a miss (PX-061, PX-066).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use common::{Place, file_of, spoil};
use kiln_base::Digest;
use kiln_store::PutMode;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn what_is_put_comes_back() {
    let place = Place::new();
    let store = place.open();
    let digest = store.put_bytes(b"content").unwrap();
    assert_eq!(digest, Digest::of(b"content"));
    assert!(store.contains(&digest));
    assert_eq!(
        store.read(&digest).unwrap().as_deref(),
        Some(&b"content"[..])
    );
    let absent = Digest::of(b"absent");
    assert!(!store.contains(&absent));
    assert_eq!(store.read(&absent).unwrap(), None);
    assert_eq!(store.blob_path(&absent, false), None);
    assert_eq!(store.missing(&[absent, digest, Digest::EMPTY]), [absent]);
}

#[test]
fn a_path_is_read_only_and_of_the_kind_asked_for() {
    let place = Place::new();
    let store = place.open();
    for content in [&b"content"[..], b""] {
        let digest = store.put_bytes(content).unwrap();
        let plain = store.blob_path(&digest, false).unwrap();
        let executable = store.blob_path(&digest, true).unwrap();
        assert_eq!((mode(&plain), mode(&executable)), (0o444, 0o555));
        assert_eq!(fs::read(&plain).unwrap(), content);
        assert_eq!(fs::read(&executable).unwrap(), content);
        assert_eq!(fs::metadata(&plain).unwrap().mtime(), 946_684_800);
    }
}

#[test]
fn the_empty_blob_always_exists() {
    let place = Place::new();
    let store = place.open();
    assert!(store.contains(&Digest::EMPTY));
    assert_eq!(store.read(&Digest::EMPTY).unwrap(), Some(Vec::new()));
    assert!(store.blob_path(&Digest::EMPTY, true).is_some());
}

#[test]
fn a_present_blob_is_not_written_again() {
    let place = Place::new();
    let store = place.open();
    let digest = store.put_bytes(b"content").unwrap();
    let path = store.blob_path(&digest, false).unwrap();
    let before = fs::metadata(&path).unwrap();
    store.put_bytes(b"content").unwrap();
    let source = place.write("source", b"content");
    store.put_file(&source, PutMode::Copy, true).unwrap();
    store.put_file(&source, PutMode::Move, false).unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_eq!(
        (before.ino(), before.ctime_nsec()),
        (after.ino(), after.ctime_nsec())
    );
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn files_are_copied_or_moved() {
    let place = Place::new();
    let store = place.open();
    for size in [0, 10, 1 << 20, (1 << 20) + 1, 3 << 20] {
        for put in [PutMode::Copy, PutMode::Move] {
            let content = vec![size as u8 ^ put as u8; size];
            let source = place.write("source", &content);
            let digest = store.put_file(&source, put, true).unwrap();
            assert_eq!(digest, Digest::of(&content), "{size}");
            assert_eq!(source.exists(), put == PutMode::Copy);
            let path = store.blob_path(&digest, true).unwrap();
            assert_eq!(mode(&path), 0o555);
            assert_eq!(store.read(&digest).unwrap(), Some(content));
        }
    }
}

#[test]
fn moving_keeps_the_inode_unless_somebody_else_has_it_too() {
    let place = Place::new();
    let store = place.open();
    let source = place.write("alone", b"alone");
    let inode = fs::metadata(&source).unwrap().ino();
    let digest = store.put_file(&source, PutMode::Move, false).unwrap();
    assert_eq!(fs::metadata(file_of(&store, &digest)).unwrap().ino(), inode);

    let source = place.write("shared", b"shared");
    let other = place.path("other name");
    fs::hard_link(&source, &other).unwrap();
    let digest = store.put_file(&source, PutMode::Move, false).unwrap();
    fs::write(&other, b"WRITTEN THROUGH").unwrap();
    assert_eq!(
        store.read(&digest).unwrap().as_deref(),
        Some(&b"shared"[..])
    );
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let place = Place::new();
    let store = place.open();
    let file = place.write("file", b"x");
    let link = place.path("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for source in [link, place.path("."), "/dev/null".into()] {
        for put in [PutMode::Copy, PutMode::Move] {
            let error = store.put_file(&source, put, false).unwrap_err();
            assert!(
                error.message().ends_with("is not a regular file"),
                "{error}"
            );
        }
    }
    let error = store.put_file(&place.path("absent"), PutMode::Copy, false);
    assert!(
        error
            .unwrap_err()
            .message()
            .ends_with("no such file or directory")
    );
}

/// Each damage leaves the blob a miss, or unharmed; never wrong content. After it the blob can be
/// put again.
#[test]
fn damage_is_a_miss() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage, bool); 9] = [
        ("cut", |path| spoil(path, |c| c.truncate(3)), false),
        ("longer", |path| spoil(path, |c| c.push(0)), false),
        ("flipped", |path| spoil(path, |c| c[2] ^= 1), false),
        ("emptied", |path| spoil(path, Vec::clear), false),
        ("removed", |path| fs::remove_file(path).unwrap(), false),
        (
            "made a folder",
            |path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            },
            false,
        ),
        (
            "made a link",
            |path| {
                let elsewhere = path.with_extension("elsewhere");
                fs::rename(path, &elsewhere).unwrap();
                std::os::unix::fs::symlink(&elsewhere, path).unwrap();
            },
            false,
        ),
        (
            "writable",
            |path| fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap(),
            true,
        ),
        (
            "unreadable",
            |path| fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap(),
            true,
        ),
    ];
    for (what, damage, survives) in damages {
        for check in 0..3 {
            let place = Place::new();
            let store = place.open();
            let digest = store.put_bytes(b"content").unwrap();
            let path = store.blob_path(&digest, false).unwrap();
            damage(&path);
            match check {
                0 => assert_eq!(store.contains(&digest), survives, "{what}"),
                1 => assert_eq!(
                    store.blob_path(&digest, false).is_some(),
                    survives,
                    "{what}"
                ),
                _ => assert_eq!(store.read(&digest).unwrap().is_some(), survives, "{what}"),
            }
            store.put_bytes(b"content").unwrap();
            let path = store.blob_path(&digest, false).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"content", "{what}");
            assert_eq!(mode(&path), 0o444, "{what}");
        }
    }
}

#[test]
fn a_digest_with_the_wrong_size_is_a_miss_and_harms_nothing() {
    let place = Place::new();
    let store = place.open();
    let digest = store.put_bytes(b"content").unwrap();
    let bogus = Digest::from_parts(*digest.hash(), 6);
    assert!(!store.contains(&bogus));
    assert_eq!(store.read(&bogus).unwrap(), None);
    assert_eq!(store.blob_path(&bogus, true), None);
    assert!(store.contains(&digest));
    assert!(store.put_bytes_known(bogus, b"content").is_err());
}
