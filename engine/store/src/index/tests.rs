//! Any index agrees with a `BTreeMap` for each table, across closing and opening.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::open::open_when_free;
use super::{Index, MemoryIndex, Table};

#[derive(Clone, Debug)]
enum Op {
    Put(Table, Vec<u8>, Vec<u8>),
    Remove(Table, Vec<u8>),
    Flush,
    Reopen,
    /// Scan up to so many rows.
    Scan(Table, usize),
}

fn op() -> impl Strategy<Value = Op> {
    let table = || prop::sample::select(Table::ALL.to_vec());
    // Few and short keys, so that they meet; some of them empty or prefixes of others.
    let key = || proptest::collection::vec(0..3u8, 0..4);
    let value = proptest::collection::vec(any::<u8>(), 0..600);
    prop_oneof![
        6 => (table(), key(), value).prop_map(|(t, k, v)| Op::Put(t, k, v)),
        3 => (table(), key()).prop_map(|(t, k)| Op::Remove(t, k)),
        1 => Just(Op::Flush),
        1 => Just(Op::Reopen),
        1 => (table(), 0..20usize).prop_map(|(t, n)| Op::Scan(t, n)),
    ]
}

fn rows(index: &dyn Index, table: Table, most: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    let scanned = index.scan(table, &mut |key, value| {
        if rows.len() < most {
            rows.push((key.to_vec(), value.to_vec()));
        }
        rows.len() < most
    });
    scanned.unwrap();
    rows
}

/// Runs `ops` on the index that `open` gives and on a model. `open` is called again, after the
/// index was closed, for each `Reopen`.
fn check(open: &dyn Fn() -> Box<dyn Index>, keeps: bool, ops: &[Op]) {
    let mut index = open();
    let mut model: BTreeMap<(Table, Vec<u8>), Vec<u8>> = BTreeMap::new();
    for op in ops {
        match op {
            Op::Put(table, key, value) => {
                index.put(*table, key, value).unwrap();
                model.insert((*table, key.clone()), value.clone());
            }
            Op::Remove(table, key) => {
                index.remove(*table, key).unwrap();
                model.remove(&(*table, key.clone()));
                assert_eq!(index.get(*table, key).unwrap(), None);
            }
            Op::Flush => index.flush().unwrap(),
            Op::Reopen if keeps => {
                drop(index);
                index = open();
            }
            Op::Reopen => {}
            Op::Scan(table, most) => {
                let expected: Vec<_> = of_table(&model, *table).take(*most).collect();
                assert_eq!(rows(&*index, *table, *most), expected);
            }
        }
    }
    for ((table, key), value) in &model {
        assert_eq!(index.get(*table, key).unwrap().as_deref(), Some(&value[..]));
    }
    for table in Table::ALL {
        let expected: Vec<_> = of_table(&model, table).collect();
        assert_eq!(rows(&*index, table, usize::MAX), expected);
    }
}

fn of_table(
    model: &BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    table: Table,
) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let of = model.iter().filter(move |((of, _), _)| *of == table);
    of.map(|((_, key), value)| (key.clone(), value.clone()))
}

fn open_sled(path: &Path) -> Box<dyn Index> {
    Box::new(open_when_free(path, 1 << 20).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sled_is_a_map(ops in proptest::collection::vec(op(), 1..80)) {
        let place = tempfile::tempdir().unwrap();
        check(&|| open_sled(&place.path().join("index")), true, &ops);
    }

    #[test]
    fn memory_is_a_map(ops in proptest::collection::vec(op(), 1..80)) {
        check(&|| Box::new(MemoryIndex::default()), false, &ops);
    }
}
