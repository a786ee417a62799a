//! Collection (PX-063): least recently used blobs go, what is needed stays, sizes are exact.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{Place, file_of, spoil};
use kiln_base::Digest;
use kiln_store::{GcReport, PutMode, Store};

const BLOCK: u64 = 4096;

fn blob(store: &Store, i: u32) -> Digest {
    store.put_bytes(format!("blob {i}").as_bytes()).unwrap()
}

fn action(i: u32) -> Digest {
    Digest::of(&i.to_le_bytes())
}

fn put(store: &Store, i: u32) -> Digest {
    let digest = blob(store, i);
    store.put_action(&action(i), b"result", &[digest]).unwrap();
    digest
}

#[test]
fn it_collects_down_to_the_target_and_counts_exactly() {
    let place = Place::new();
    let store = place.open();
    let digests: Vec<Digest> = (0..10).map(|i| put(&store, i)).collect();
    // An executable file beside the plain one counts as well.
    store.blob_path(&digests[3], true).unwrap();
    let stats = store.stats().unwrap();
    assert_eq!((stats.blobs, stats.blob_bytes), (10, 11 * BLOCK));
    store.forget_uses();
    let nothing = store.gc(Some(11 * BLOCK)).unwrap();
    assert_eq!(
        (nothing.blobs_removed, nothing.bytes_after),
        (0, 11 * BLOCK)
    );
    let some = store.gc(Some(5 * BLOCK)).unwrap();
    assert!(some.bytes_after <= 5 * BLOCK && some.bytes_after >= 4 * BLOCK);
    assert_eq!(some.actions_removed, some.blobs_removed);
    let all = store.gc(Some(0)).unwrap();
    assert_eq!((all.bytes_before, all.bytes_after), (some.bytes_after, 0));
    assert_eq!(store.stats().unwrap().actions, 0);
    assert!(
        digests
            .iter()
            .all(|digest| !file_of(&store, digest).exists())
    );
    assert_eq!(store.get_action(&action(1)), None);
}

#[test]
fn what_is_pinned_or_in_use_stays() {
    let place = Place::new();
    let store = place.open();
    let (used, pinned) = (put(&store, 1), put(&store, 2));
    let (other, missing) = (put(&store, 3), Digest::of(b"not there"));
    let twice = store.pin([pinned, missing]);
    let once = store.pin([pinned]);
    store.flush().unwrap();
    store.forget_uses();
    assert!(store.get_action(&action(1)).is_some());
    let report = store.gc(Some(0)).unwrap();
    assert_eq!((report.in_use, report.blobs_removed), (2, 1));
    drop(twice);
    store.forget_uses();
    let report = store.gc(Some(0)).unwrap();
    assert_eq!((report.in_use, report.blobs_removed), (1, 1));
    drop(once);
    assert_eq!(store.gc(Some(0)).unwrap().blobs_removed, 1);
    for digest in [used, pinned, other] {
        assert!(!store.contains(&digest));
    }
}

#[test]
fn pins_of_another_process_hold() {
    let place = Place::new();
    let owner = place.open();
    let digests = [put(&owner, 1), put(&owner, 2)];
    owner.flush().unwrap();
    owner.forget_uses();
    let other = place.open();
    // The first pin is from before the other has found the owner.
    let early = other.pin([digests[0]]);
    assert_eq!(other.stats().unwrap().actions, 2);
    let late = other.pin([digests[1]]);
    assert_eq!(owner.gc(Some(0)).unwrap().in_use, 2);
    drop((early, late));
    other.forget_uses();
    assert_eq!(owner.gc(Some(0)).unwrap().blobs_removed, 2);
}

#[test]
fn another_process_can_have_it_collected() {
    let place = Place::new();
    let owner = place.open();
    put(&owner, 1);
    owner.flush().unwrap();
    owner.forget_uses();
    let other = place.open();
    put(&other, 2);
    let report: GcReport = other.gc(Some(0)).unwrap();
    assert_eq!((report.blobs_removed, report.in_use), (1, 1));
}

/// The store keeps itself below its cap: least recently used first, which here is what no process
/// has used since the store was opened.
#[test]
fn it_collects_by_itself_when_it_is_too_large() {
    let place = Place::new();
    let mut config = place.config();
    config.max_bytes = Some(100 * BLOCK);
    let old: Vec<Digest> = {
        let store = Store::open(config.clone()).unwrap();
        (0..90).map(|i| put(&store, i)).collect()
    };
    let store = Store::open(config).unwrap();
    let new: Vec<Digest> = (100..120).map(|i| put(&store, i)).collect();
    store.flush().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while store.stats().unwrap().blob_bytes > 100 * BLOCK && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    // When it began, 101 to 110 were there; it went down to 80, and the rest came later.
    assert!((80..=90).contains(&(store.stats().unwrap().blob_bytes / BLOCK)));
    assert!(store.missing(&new).is_empty());
    assert!((20..=30).contains(&store.missing(&old).len()));
}

/// Rows are no more than a help: the files decide.
#[test]
fn files_without_rows_and_rows_without_files_are_put_right() {
    let place = Place::new();
    let digests: Vec<Digest> = {
        let store = place.open();
        (0..4).map(|i| put(&store, i)).collect()
    };
    fs::remove_dir_all(place.root().join("index")).unwrap();
    let store = place.open();
    fs::remove_file(file_of(&store, &digests[0])).unwrap();
    let unfinished = file_of(&store, &digests[1]).with_file_name(".tmp1-2-3");
    fs::write(&unfinished, b"half").unwrap();
    assert_eq!(store.gc(None).unwrap().unfinished_removed, 0, "it is young");
    assert_eq!(store.stats().unwrap().blobs, 3);
    let report = store.gc(Some(0)).unwrap();
    assert_eq!((report.blobs_removed, report.bytes_after), (3, 0));
}

#[test]
fn verify_finds_what_a_look_does_not() {
    let place = Place::new();
    let store = place.open();
    let (sound, bad) = (put(&store, 1), put(&store, 2));
    let executable = store.put_file(&place.write("x", b"tool"), PutMode::Copy, true);
    let path = file_of(&store, &bad);
    // Changed behind everybody's back, as by a fault of the disk: mode, time and size as before.
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    spoil(&path, |content| content[0] ^= 1);
    let file = fs::File::open(&path).unwrap();
    file.set_modified(before).unwrap();
    assert!(store.contains(&bad), "no look can tell");
    let report = store.verify().unwrap();
    let hex = bad.hex();
    assert_eq!(report.damaged, [format!("{}/{}", &hex[..2], &hex[2..])]);
    assert_eq!((report.files, report.restored, report.actions), (3, 0, 2));
    assert_eq!(report.actions_removed, 1);
    assert!(store.contains(&sound) && store.contains(&executable.unwrap()));
    assert!(!store.contains(&bad) && store.get_action(&action(2)).is_none());
}

/// sled's files do not shrink with their content; collection copies what is left into new ones.
#[test]
fn a_bloated_index_is_rewritten_and_loses_nothing() {
    let place = Place::new();
    let store = place.open();
    let index_bytes = || store.stats().unwrap().index_bytes;
    let doomed = blob(&store, 1);
    for i in 0..14_000 {
        let refs = &[doomed][..usize::from(i >= 100)];
        store
            .put_action(&action(i), &[i as u8; 3000], refs)
            .unwrap();
    }
    assert!(index_bytes() > 33 << 20, "{} bytes", index_bytes());
    store.forget_uses();
    assert_eq!(store.gc(Some(0)).unwrap().actions_removed, 13_900);
    assert!(index_bytes() < 8 << 20, "{} bytes", index_bytes());
    drop(store);
    let store = place.open();
    for i in 0..200 {
        let expected = (i < 100).then(|| vec![i as u8; 3000]);
        assert_eq!(store.get_action(&action(i)), expected);
    }
    assert!(store.warnings().is_empty());
}

/// Collections run one after another while the owner and another process put and use the same
/// blobs: nothing goes once it was used, though each is fair game until then.
#[test]
fn what_is_used_during_a_collection_stays() {
    let place = Place::new();
    {
        let store = place.open();
        for i in 0..200 {
            put(&store, i);
        }
    }
    let (owner, other) = (place.open(), place.open());
    owner.flush().unwrap();
    other.flush().unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let use_all = |store: &Store, from: u32| {
            for i in (0..200).map(|i| (i + from) % 200) {
                let known = store.get_action(&action(i)).is_some();
                let digest = Digest::of(format!("blob {i}").as_bytes());
                if !known {
                    assert_eq!(put(store, i), digest);
                }
                assert!(store.blob_path(&digest, i % 2 == 0).is_some(), "{i}");
                assert!(store.read(&digest).unwrap().is_some(), "{i}");
            }
            store.flush().unwrap();
            for i in 0..200 {
                assert!(store.get_action(&action(i)).is_some(), "{i}");
            }
        };
        let users = [(&owner, 0), (&other, 100)]
            .map(|(store, from)| scope.spawn(move || use_all(store, from)));
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                owner.gc(Some(0)).unwrap();
            }
        });
        let results = users.map(|user| user.join());
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        results.into_iter().for_each(|result| result.unwrap());
    });
    assert!(owner.warnings().is_empty() && other.warnings().is_empty());
}
