//! The figures of `docs/benchmarks/store.md`:
//! `cargo run --release -p kiln-store --example bench [-- FOLDER]`.
//!
//! Each line is the least of several rounds, in microseconds of this thread's CPU and of wall
//! time for one operation.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints, for whoever measures"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kiln_base::Digest;
use kiln_store::{PutMode, Store, StoreConfig};

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(
        || std::env::temp_dir().join(format!("kiln-store-bench-{}", std::process::id())),
        PathBuf::from,
    );
    fs::create_dir_all(&folder).unwrap();
    println!("{:<44} {:>10} {:>10}", "µs for one", "cpu", "wall");
    blobs(&folder);
    actions(&folder, 2_000);
    actions(&folder, 200_000);
    stat_rows(&folder, 100_000);
    upkeep(&folder);
    fs::remove_dir_all(&folder).unwrap();
}

fn open(root: &Path) -> Store {
    let mut config = StoreConfig::new(root);
    config.max_bytes = Some(u64::MAX);
    Store::open(config).unwrap()
}

/// Nanoseconds this thread has had a processor.
fn cpu() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ')
        .next()
        .and_then(|ns| ns.parse().ok())
        .unwrap_or(0)
}

/// Prints the least time of `rounds` of `act`, which does `count` operations.
fn measure(what: &str, rounds: u32, count: u32, mut act: impl FnMut(u32)) {
    let (mut least_cpu, mut least_wall) = (u64::MAX, Duration::MAX);
    for round in 0..rounds {
        let (cpu_before, before) = (cpu(), Instant::now());
        act(round);
        least_wall = least_wall.min(before.elapsed());
        least_cpu = least_cpu.min(cpu() - cpu_before);
    }
    let each = |ns: f64| ns / 1000.0 / f64::from(count);
    println!(
        "{what:<44} {:>10.2} {:>10.2}",
        each(least_cpu as f64),
        each(least_wall.as_nanos() as f64)
    );
}

fn content(round: u32, i: u32) -> Vec<u8> {
    let mut content = vec![0; 1024];
    content[..4].copy_from_slice(&i.to_le_bytes());
    content[4..8].copy_from_slice(&round.to_le_bytes());
    content
}

fn blobs(folder: &Path) {
    const COUNT: u32 = 2000;
    let root = folder.join("blobs");
    let store = open(&root);
    let raw = folder.join("raw");
    for shard in 0..256 {
        fs::create_dir_all(raw.join(format!("{shard:02x}"))).unwrap();
        store.put_bytes(&[0; 64][..shard % 64]).unwrap();
    }
    measure("create, chmod, rename a file of 1 KiB", 5, COUNT, |round| {
        for i in 0..COUNT {
            let content = content(round, i);
            let hex = Digest::of(&content).hex();
            let (shard, name) = hex.split_at(2);
            let aside = raw.join(shard).join(format!(".tmp{i}"));
            fs::write(&aside, &content).unwrap();
            fs::set_permissions(&aside, fs::Permissions::from_mode(0o444)).unwrap();
            fs::rename(&aside, raw.join(shard).join(name)).unwrap();
        }
    });
    measure("put_bytes, new, 1 KiB", 5, COUNT, |round| {
        for i in 0..COUNT {
            store.put_bytes(&content(round, i)).unwrap();
        }
    });
    measure("put_bytes, present, 1 KiB", 5, COUNT, |_| {
        for i in 0..COUNT {
            store.put_bytes(&content(0, i)).unwrap();
        }
    });
    let digests: Vec<Digest> = (0..COUNT).map(|i| Digest::of(&content(0, i))).collect();
    measure("missing, all present", 5, COUNT, |_| {
        assert!(store.missing(&digests).is_empty());
    });
    measure("blob_path", 5, COUNT, |_| {
        for digest in &digests {
            store.blob_path(digest, false).unwrap();
        }
    });
    measure("read, 1 KiB", 5, COUNT, |_| {
        for digest in &digests {
            store.read(digest).unwrap().unwrap();
        }
    });
    let sources = folder.join("sources");
    fs::create_dir_all(&sources).unwrap();
    let source = |i: u32| sources.join(i.to_string());
    for round in 10..13 {
        for i in 0..COUNT {
            fs::write(source(i), content(round, i)).unwrap();
        }
        measure("put_file, copy, new", 1, COUNT, |_| {
            for i in 0..COUNT {
                store.put_file(&source(i), PutMode::Copy, false).unwrap();
            }
        });
        measure("put_file, copy, present", 1, COUNT, |_| {
            for i in 0..COUNT {
                store.put_file(&source(i), PutMode::Copy, false).unwrap();
            }
        });
        for i in 0..COUNT {
            fs::write(source(i), content(round + 10, i)).unwrap();
        }
        measure("put_file, move, new", 1, COUNT, |_| {
            for i in 0..COUNT {
                store.put_file(&source(i), PutMode::Move, false).unwrap();
            }
        });
    }
}

fn action(i: u32) -> Digest {
    Digest::of(&i.to_be_bytes())
}

fn actions(folder: &Path, count: u32) {
    println!("-- a store with {count} action results of 3 blobs and 250 bytes");
    let root = folder.join(format!("actions{count}"));
    let store = open(&root);
    let refs: Vec<Digest> = (0..100u32)
        .map(|i| store.put_bytes(&i.to_le_bytes()).unwrap())
        .collect();
    let refs_of = |i: u32| {
        let at = i as usize % 97;
        &refs[at..at + 3]
    };
    measure("put_action, as the caller sees it", 1, count, |_| {
        for i in 0..count {
            store
                .put_action(&action(i), &[i as u8; 250], refs_of(i))
                .unwrap();
        }
    });
    store.flush().unwrap();
    measure("put_action and flush", 20, 1, |round| {
        store
            .put_action(&action(round), &[1; 250], refs_of(round))
            .unwrap();
        store.flush().unwrap();
    });
    drop(store);
    measure("open and close, index untouched", 10, 1, |_| {
        drop(open(&root))
    });
    measure("open, one get_action, close", 10, 1, |_| {
        open(&root).get_action(&action(7)).unwrap();
    });
    let store = open(&root);
    measure("first get_action (opens the index)", 1, 1, |_| {
        store.get_action(&action(8)).unwrap();
    });
    let asked = count.min(4000);
    measure("get_action, first time, 3 blobs checked", 1, asked, |_| {
        for i in 0..asked {
            store.get_action(&action(i)).unwrap();
        }
    });
    measure("get_action, again, 3 blobs checked", 5, asked, |_| {
        for i in 0..asked {
            store.get_action(&action(i)).unwrap();
        }
    });
    measure("get_action, miss", 5, 4000, |_| {
        for i in 0..4000 {
            assert!(store.get_action(&action(u32::MAX - i)).is_none());
        }
    });
    let other = open(&root);
    measure(
        "get_action, first time, of another's index",
        1,
        2000,
        |_| {
            for i in 0..2000.min(count) {
                other.get_action(&action(i)).unwrap();
            }
        },
    );
    let stats = store.stats().unwrap();
    println!("index on disk: {} bytes", stats.index_bytes);
}

fn stat_rows(folder: &Path, count: u32) {
    println!("-- {count} stat rows: key of about 40 bytes, value of 80");
    let store = open(&folder.join("stat"));
    let key = |i: u32| format!("some/folder/of/a/repository/{}/file{i}.cc", i / 20);
    let keys: Vec<String> = (0..count).map(key).collect();
    let table = store.stat_table("workspace");
    for key in &keys {
        table.put(key.as_bytes(), &[7; 80]);
    }
    measure("save all", 1, 1, |_| table.save().unwrap());
    measure("load", 10, 1, |_| drop(store.stat_table("workspace")));
    let table = store.stat_table("workspace");
    measure("get", 5, count, |_| {
        for key in &keys {
            table.get(key.as_bytes(), <[u8]>::len).unwrap();
        }
    });
    measure("put one and save", 10, 1, |round| {
        table.put(&round.to_le_bytes(), &[7; 80]);
        table.save().unwrap();
    });
    // The same rows as action results in sled, for comparison.
    for key in &keys {
        store
            .put_action(&Digest::of(key.as_bytes()), &[7; 80], &[])
            .unwrap();
    }
    store.flush().unwrap();
    drop((table, store));
    let store = open(&folder.join("stat"));
    let digests: Vec<Digest> = keys.iter().map(|key| Digest::of(key.as_bytes())).collect();
    measure("the same in sled: open", 1, 1, |_| {
        store.get_action(&digests[0]).unwrap();
    });
    measure("the same in sled: get", 1, count, |_| {
        for digest in &digests {
            store.get_action(digest).unwrap();
        }
    });
}

fn upkeep(folder: &Path) {
    let root = folder.join("blobs");
    let store = open(&root);
    let stats = store.stats().unwrap();
    println!(
        "-- upkeep of {} blobs, {} bytes",
        stats.blobs, stats.blob_bytes
    );
    let blobs = stats.blobs as u32;
    measure("stats, a blob", 3, blobs, |_| {
        store.stats().unwrap();
    });
    measure("verify, a blob", 1, blobs, |_| {
        drop(store.verify().unwrap())
    });
    measure("gc that removes nothing, a blob", 3, blobs, |_| {
        store.gc(None).unwrap();
    });
    let half = stats.blob_bytes / 2;
    store.forget_uses();
    let before = Instant::now();
    let report = store.gc(Some(half)).unwrap();
    let removed = report.blobs_removed as u32;
    println!(
        "gc of {removed} blobs: {:.2} µs wall for one",
        before.elapsed().as_micros() as f64 / f64::from(removed)
    );
}
