//! The index damaged by hand in the ways that sled 0.34.7 cannot take, and what becomes of each:
//! nothing is lost, or the index is begun anew and said so. It is never a failure.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::Place;
use expect_test::{Expect, expect};
use kiln_base::Digest;
use kiln_store::{Store, StoreConfig};

const ROWS: u32 = 400;

fn action(i: u32) -> Digest {
    Digest::of(&i.to_le_bytes())
}

fn fill(store: &Store) {
    for i in 0..ROWS {
        let blob = store.put_bytes(format!("output {i}").as_bytes()).unwrap();
        store
            .put_action(&action(i), &[i as u8; 300], &[blob])
            .unwrap();
    }
}

fn snapshots(index: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(index)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("snap.")
        })
        .collect();
    paths.sort();
    paths
}

/// Damages the index of a store with rows in it, and opens it again.
fn check(damage: impl Fn(&Path), rows_stay: bool, said: Expect) {
    let place = Place::new();
    fill(&place.open());
    // Opened and closed again it has a snapshot, as any that has been in use.
    place.open().get_action(&action(0)).unwrap();
    damage(&place.root().join("index"));
    let store = place.open();
    let known = (0..ROWS).filter(|i| store.get_action(&action(*i)).is_some());
    assert_eq!(known.count(), if rows_stay { ROWS as usize } else { 0 });
    let said_now: Vec<String> = store.warnings().iter().map(ToString::to_string).collect();
    said.assert_eq(&without_time(&said_now.join("\n")));
    // The blobs are there, are counted, and new results are kept.
    assert!(store.contains(&Digest::of(b"output 7")));
    fill(&store);
    assert_eq!(store.stats().unwrap().blobs, u64::from(ROWS));
    drop(store);
    let store = place.open();
    assert!((0..ROWS).all(|i| store.get_action(&action(i)).is_some()));
    assert!(store.warnings().is_empty());
}

fn without_time(text: &str) -> String {
    match text.split_once("corrupt-") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}corrupt-TIME{after}")
        }
        None => text.to_owned(),
    }
}

#[test]
fn a_snapshot_that_was_being_written_is_removed() {
    for content in [&b""[..], b"half a snapsh"] {
        check(
            |index| fs::write(index.join("snap.00000000000000FF.generating"), content).unwrap(),
            true,
            expect![""],
        );
    }
}

#[test]
fn a_bad_snapshot_is_removed_and_the_log_replayed() {
    check(
        |index| {
            let snapshots = snapshots(index);
            let newest = snapshots.last().expect("closing leaves a snapshot");
            let mut content = fs::read(newest).unwrap();
            let last = content.len() - 1;
            content[last] ^= 0xff;
            fs::write(newest, content).unwrap();
        },
        true,
        expect![""],
    );
}

/// Spoils `spots` runs of 16 bytes.
fn spoil(db: &Path, seed: u64, spots: u64) {
    let mut content = fs::read(db).unwrap();
    let mut random = seed * 7919 + 13;
    for _ in 0..spots {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let at = random as usize % (content.len() - 16);
        content[at..at + 16].copy_from_slice(&u128::from(random).pow(2).to_le_bytes());
    }
    fs::write(db, content).unwrap();
}

#[test]
fn garbage_all_over_the_log_begins_the_index_anew() {
    check(
        |index| spoil(&index.join("db"), 1, 300),
        false,
        expect![[r#"
        warning: the cache's index is empty: action results are made again
           = it had rows when it was last used; something has damaged or replaced it"#]],
    );
}

/// sled panics on some of these, answers `Corruption` to others, or takes a spot for the end of
/// its log; and fails in use on what it has opened.
#[test]
fn garbage_anywhere_is_neither_a_failure_nor_a_wrong_row() {
    for seed in 0..40 {
        let place = Place::new();
        fill(&place.open());
        if seed % 2 == 0 {
            place.open().get_action(&action(0)).unwrap();
        }
        let index = place.root().join("index");
        spoil(&index.join("db"), seed, 1 + seed / 2);
        for snapshot in snapshots(&index) {
            if seed % 4 < 2 {
                fs::remove_file(snapshot).unwrap();
            }
        }
        for _ in 0..2 {
            let store = place.open();
            for i in 0..ROWS {
                let row = store.get_action(&action(i));
                assert!(row.is_none_or(|row| row == [i as u8; 300]), "seed {seed}");
            }
            assert!(store.contains(&Digest::of(b"output 7")));
        }
        let store = place.open();
        fill(&store);
        store.flush().unwrap();
        drop(store);
        let store = place.open();
        let lost = (0..ROWS).find(|i| store.get_action(&action(*i)).is_none());
        assert_eq!(lost, None, "seed {seed}");
    }
}

fn make_a_file(index: &Path) {
    fs::remove_dir_all(index).unwrap();
    fs::write(index, "a file").unwrap();
}

#[test]
fn what_is_no_database_begins_the_index_anew() {
    check(
        make_a_file,
        false,
        expect![[r#"
        warning: the cache's index was begun anew: action results are made again
           = the old one (not a directory) is kept as `index.corrupt-TIME`"#]],
    );
}

#[test]
fn a_removed_index_is_begun_anew_without_a_word() {
    check(
        |index| fs::remove_dir_all(index).unwrap(),
        false,
        expect![""],
    );
}

#[test]
fn only_the_last_damaged_index_is_kept() {
    let place = Place::new();
    for round in 0..3 {
        fill(&place.open());
        let aside: Vec<PathBuf> = fs::read_dir(place.root())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_str().unwrap().contains("/index.corrupt-"))
            .collect();
        assert_eq!(aside.len(), usize::from(round > 0));
        // Named by the second: as if the next one came in a later second.
        for path in aside {
            fs::rename(path, place.root().join("index.corrupt-1")).unwrap();
        }
        make_a_file(&place.root().join("index"));
    }
}

#[test]
fn a_process_that_died_while_it_replaced_the_index_loses_nothing() {
    for step in 0..3 {
        let place = Place::new();
        fill(&place.open());
        let root = place.root();
        match step {
            // Before the first rename.
            0 => fs::create_dir(root.join("index.next")).unwrap(),
            // Between the two.
            1 => {
                fs::rename(root.join("index"), root.join("index.old")).unwrap();
                fs::create_dir(root.join("index.next")).unwrap();
            }
            // After the second.
            _ => fs::create_dir(root.join("index.old")).unwrap(),
        }
        let store = place.open();
        assert!((0..ROWS).all(|i| store.get_action(&action(i)).is_some()));
        assert!(!root.join("index.next").exists() && !root.join("index.old").exists());
    }
}

#[test]
fn a_relative_root_is_refused() {
    let error = Store::open(StoreConfig::new("store")).err().unwrap();
    expect!["error: the store's folder `store` is not an absolute path"]
        .assert_eq(&error.to_string());
}
