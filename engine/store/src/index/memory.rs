//! An index in memory: what a process falls back to when no index can be opened, and the model
//! that the property test compares others with.

use std::collections::BTreeMap;

use bytes::Bytes;
use kiln_diag::Diag;
use parking_lot::RwLock;

use super::{Index, Table};

/// Rows that end with the process.
#[derive(Default)]
pub struct MemoryIndex(RwLock<BTreeMap<(Table, Vec<u8>), Bytes>>);

impl Index for MemoryIndex {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, Diag> {
        Ok(self.0.read().get(&(table, key.to_vec())).cloned())
    }

    fn put(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), Diag> {
        let value = Bytes::copy_from_slice(value);
        self.0.write().insert((table, key.to_vec()), value);
        Ok(())
    }

    fn remove(&self, table: Table, key: &[u8]) -> Result<(), Diag> {
        self.0.write().remove(&(table, key.to_vec()));
        Ok(())
    }

    fn scan(&self, table: Table, each: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), Diag> {
        // A copy, so that `each` may change the index.
        let rows: Vec<(Vec<u8>, Bytes)> = self
            .0
            .read()
            .range((table, Vec::new())..)
            .take_while(|((of, _), _)| *of == table)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect();
        for (key, value) in rows {
            if !each(&key, &value) {
                break;
            }
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), Diag> {
        Ok(())
    }

    fn size_on_disk(&self) -> Result<u64, Diag> {
        Ok(0)
    }
}
