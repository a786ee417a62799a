//! Measures listing, globs and capture:
//! `cargo run --release -p kiln-fs --example bench [-- FILES]`.
//!
//! The tree has 20 files of 0.5 to 8.5 KiB a folder. Each line is the least of five rounds, in
//! microseconds of this thread's CPU and of wall time for one file.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints, for whoever measures"
)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use kiln_base::RelPath;
use kiln_fs::{Glob, Ignore, Resolved, SourceRoot};
use kiln_store::{StatTable, Store, StoreConfig};

const IN_FOLDER: usize = 20;

fn main() {
    let count = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(10_000);
    let folder = std::env::temp_dir().join(format!("kiln-fs-bench-{}", std::process::id()));
    make_tree(&folder.join("src"), count);
    let root = SourceRoot::open(&folder.join("src")).unwrap();
    println!(
        "{:<40} {:>8} {:>8}",
        format!("µs for one of {count} files"),
        "cpu",
        "wall"
    );
    measure("list all folders", count, || {
        assert_eq!(files(&root).len(), count);
    });
    let all = files(&root);
    measure("look at each file (stat)", count, || {
        all.iter()
            .for_each(|path| assert!(root.stat(path).unwrap().is_some()));
    });
    glob(&root, count, "**/*.cc", "glob `**/*.cc`");
    glob(&root, count, "**", "glob `**`");
    let literals: Vec<String> = all.iter().map(RelPath::to_string).collect();
    measure("glob of as many literals", count, || {
        assert_eq!(matches(&root, &literals), count);
    });
    let mut config = StoreConfig::new(folder.join("store"));
    config.max_bytes = Some(u64::MAX);
    let store = Store::open(config).unwrap();
    let mut round = 0;
    measure("capture, no rows", count, || {
        // Only the first round writes blobs; the others show reading and hashing.
        round += 1;
        capture(
            &root,
            &all,
            &store,
            &store.stat_table(&format!("cold {round}")),
        );
    });
    let rows = store.stat_table("warm");
    capture(&root, &all, &store, &rows);
    measure("capture, rows hold", count, || {
        capture(&root, &all, &store, &rows)
    });
    fs::remove_dir_all(&folder).unwrap();
}

fn make_tree(root: &Path, count: usize) {
    let old = SystemTime::now() - Duration::from_secs(3600);
    for number in 0..count {
        let folder = number / IN_FOLDER;
        let path = root.join(format!("d{}/e{}", folder / 20, folder % 20));
        fs::create_dir_all(&path).unwrap();
        let name = if number % 2 == 0 { "cc" } else { "h" };
        let path = path.join(format!("f{number}.{name}"));
        let line = format!("// line of file {number}\n");
        fs::write(&path, line.repeat(20 + number * 7919 % 330)).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(old).unwrap();
    }
    // Rows about files whose ctime is younger than two seconds are not trusted.
    std::thread::sleep(Duration::from_millis(2100));
}

fn files(root: &SourceRoot) -> Vec<RelPath> {
    let (mut found, mut todo) = (Vec::new(), vec![RelPath::root()]);
    while let Some(folder) = todo.pop() {
        for entry in root.list(&folder).unwrap().unwrap().entries() {
            let path = folder.join(&entry.name).unwrap();
            match entry.kind.resolved() {
                Resolved::Directory => todo.push(path),
                _ => found.push(path),
            }
        }
    }
    found
}

fn glob(root: &SourceRoot, count: usize, pattern: &str, what: &str) {
    measure(what, count, || {
        assert!(matches(root, &[pattern.to_owned()]) > 0);
    });
}

fn matches(root: &SourceRoot, include: &[String]) -> usize {
    let glob = Glob::new(include, &[], true).unwrap();
    let list = &mut |path: &RelPath| Ok(root.list(path)?.map(Arc::new));
    let found = glob.files(&RelPath::root(), &Ignore::new(), list);
    found.unwrap().paths.len()
}

fn capture(root: &SourceRoot, all: &[RelPath], store: &Store, rows: &StatTable) {
    for path in all {
        assert!(root.capture(path, store, rows).unwrap().is_some());
    }
}

/// Nanoseconds this thread has had a processor.
fn cpu() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = stat.split(' ').next().and_then(|ns| ns.parse().ok());
    first.unwrap_or(0)
}

fn measure(what: &str, count: usize, mut act: impl FnMut()) {
    let (mut least_cpu, mut least_wall) = (u64::MAX, Duration::MAX);
    for _ in 0..5 {
        let (cpu_before, before) = (cpu(), Instant::now());
        act();
        least_wall = least_wall.min(before.elapsed());
        least_cpu = least_cpu.min(cpu() - cpu_before);
    }
    let each = |ns: f64| ns / 1000.0 / count as f64;
    let (cpu, wall) = (each(least_cpu as f64), each(least_wall.as_nanos() as f64));
    println!("{what:<40} {cpu:>8.2} {wall:>8.2}");
}
