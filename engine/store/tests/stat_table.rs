//! Stat rows: a map that survives, and in which damage is a miss (section 3 of the measured facts:
//! a no-op build reads all rows and nothing else).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use common::Place;
use kiln_store::{StatTable, Store};
use proptest::prelude::*;

fn get(table: &StatTable, key: &[u8]) -> Option<Vec<u8>> {
    table.get(key, <[u8]>::to_vec)
}

fn table_file(store: &Store) -> PathBuf {
    let mut files = fs::read_dir(store.root().join("stat")).unwrap();
    files.next().unwrap().unwrap().path()
}

fn filled(store: &Store, rows: u32) -> StatTable {
    let table = store.stat_table("workspace");
    for i in 0..rows {
        table.put(format!("dir/{i}").as_bytes(), &[i as u8; 60]);
    }
    table.save().unwrap();
    table
}

#[test]
fn tables_are_apart() {
    let place = Place::new();
    let store = place.open();
    let (one, two) = (store.stat_table("one"), store.stat_table("two"));
    one.put(b"key", b"1");
    two.put(b"key", b"2");
    drop((one, two));
    assert_eq!(get(&store.stat_table("one"), b"key").unwrap(), b"1");
    assert_eq!(get(&store.stat_table("two"), b"key").unwrap(), b"2");
}

#[test]
fn a_few_new_rows_are_appended_and_many_rewrite() {
    let place = Place::new();
    let store = place.open();
    drop(filled(&store, 10_000));
    let before = fs::metadata(table_file(&store)).unwrap().len();
    let table = store.stat_table("workspace");
    table.put(b"dir/3", b"new");
    table.save().unwrap();
    let row = 16 + 5 + 3;
    assert_eq!(
        fs::metadata(table_file(&store)).unwrap().len(),
        before + row
    );
    table.save().unwrap();
    assert_eq!(
        fs::metadata(table_file(&store)).unwrap().len(),
        before + row
    );
    let again = filled(&store, 10_000);
    assert_eq!(fs::metadata(table_file(&store)).unwrap().len(), before);
    assert_eq!(get(&again, b"dir/3").unwrap(), [3; 60]);
}

#[test]
fn two_processes_that_append_lose_nothing() {
    let place = Place::new();
    let store = place.open();
    drop(filled(&store, 10));
    let (one, two) = (store.stat_table("workspace"), store.stat_table("workspace"));
    one.put(b"one", b"1");
    two.put(b"two", b"2");
    one.save().unwrap();
    two.save().unwrap();
    let both = store.stat_table("workspace");
    assert!(get(&both, b"one").is_some() && get(&both, b"two").is_some());
}

#[test]
fn a_row_cut_by_a_crash_is_a_miss_and_the_file_heals() {
    let place = Place::new();
    let store = place.open();
    let table = filled(&store, 10);
    let file = table_file(&store);
    table.put(b"last", b"cut");
    table.save().unwrap();
    let length = fs::metadata(&file).unwrap().len();
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(length - 1)
        .unwrap();
    let table = store.stat_table("workspace");
    assert_eq!(get(&table, b"last"), None);
    assert_eq!(get(&table, b"dir/9").unwrap(), [9; 60]);
    table.put(b"next", b"row");
    table.save().unwrap();
    assert_eq!(
        get(&store.stat_table("workspace"), b"next").unwrap(),
        b"row"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Reopening at any point changes nothing.
    #[test]
    fn it_is_a_map(ops in proptest::collection::vec(
        (0..40u8, proptest::collection::vec(any::<u8>(), 0..40), 0..10u8), 1..200,
    )) {
        let place = Place::new();
        let store = place.open();
        let mut table = store.stat_table("workspace");
        let mut model = BTreeMap::new();
        for (key, value, what) in ops {
            table.put(&[key], &value);
            model.insert(key, value);
            match what {
                0 => {
                    drop(table);
                    table = store.stat_table("workspace");
                }
                1 => table.save().unwrap(),
                _ => {}
            }
            for key in 0..40 {
                prop_assert_eq!(get(&table, &[key]), model.get(&key).cloned());
            }
        }
    }

    /// Whatever bytes are spoilt, a row is right or absent.
    #[test]
    fn damage_is_a_miss(spots in proptest::collection::vec(
        (any::<prop::sample::Index>(), any::<u8>()), 1..20,
    ), cut in any::<prop::sample::Index>()) {
        let place = Place::new();
        let store = place.open();
        let table = filled(&store, 50);
        table.put(b"appended", b"row");
        drop(table);
        let file = table_file(&store);
        let mut content = fs::read(&file).unwrap();
        for (at, byte) in spots {
            let at = at.index(content.len());
            content[at] = byte;
        }
        content.truncate(cut.index(content.len() * 4));
        fs::write(&file, content).unwrap();
        let table = store.stat_table("workspace");
        for i in 0..50u8 {
            let value = get(&table, format!("dir/{i}").as_bytes());
            prop_assert!(value.is_none_or(|value| value == [i; 60]));
        }
        table.put(b"new", b"row");
        table.save().unwrap();
        prop_assert_eq!(get(&store.stat_table("workspace"), b"new"), Some(b"row".to_vec()));
    }
}
