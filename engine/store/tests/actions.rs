//! Action results: a hit needs all of its blobs (PX-062), and survives what it must survive.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;

use common::{Place, file_of, spoil};
use kiln_base::Digest;

#[test]
fn a_result_comes_back_in_this_process_and_the_next() {
    let place = Place::new();
    let (small, large) = (Digest::of(b"small"), Digest::of(b"large"));
    {
        let store = place.open();
        let blob = store.put_bytes(b"output").unwrap();
        store.put_action(&small, b"result", &[blob]).unwrap();
        store.put_action(&large, &[7; 10_000], &[blob]).unwrap();
        assert_eq!(store.get_action(&small).as_deref(), Some(&b"result"[..]));
        assert_eq!(store.get_action(&Digest::of(b"unknown")), None);
    }
    let store = place.open();
    assert_eq!(store.get_action(&small).as_deref(), Some(&b"result"[..]));
    assert_eq!(store.get_action(&large), Some(vec![7; 10_000]));
    assert!(store.warnings().is_empty());
}

#[test]
fn a_result_without_one_of_its_blobs_is_a_miss_for_good() {
    let place = Place::new();
    let action = Digest::of(b"action");
    for reopen in [false, true] {
        let mut store = place.open();
        let kept = store.put_bytes(b"kept").unwrap();
        let lost = store.put_bytes(b"lost").unwrap();
        store.put_action(&action, b"result", &[kept, lost]).unwrap();
        store.flush().unwrap();
        if reopen {
            drop(store);
            store = place.open();
        }
        spoil(&file_of(&store, &lost), |content| content.truncate(1));
        assert_eq!(store.get_action(&action), None);
        store.flush().unwrap();
        store.put_bytes(b"lost").unwrap();
        assert_eq!(store.get_action(&action), None, "the row is gone");
    }
}

#[test]
fn a_long_result_whose_blob_is_lost_is_a_miss() {
    let place = Place::new();
    let action = Digest::of(b"action");
    place.open().put_action(&action, &[7; 10_000], &[]).unwrap();
    fs::remove_dir_all(place.root().join("cas")).unwrap();
    assert_eq!(place.open().get_action(&action), None);
}

#[test]
fn commands_that_need_no_index_do_not_open_it() {
    let place = Place::new();
    let store = place.open();
    store.contains(&Digest::of(b"absent"));
    store.flush().unwrap();
    drop(store);
    assert!(!place.root().join("index").exists());
}
