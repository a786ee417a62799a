//! What still runs on this machine.

use std::fs;
use std::thread;
use std::time::Duration;

/// Waits, for ten seconds at most, until no process has that word among its arguments.
///
/// # Panics
/// When one is still there.
pub fn no_process(word: &str) {
    let running = || {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let arguments = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        let mut lines = arguments.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        lines.any(|line| line.split('\0').any(|argument| argument == word))
    };
    for _ in 0..1_000 {
        if !running() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("a process with the argument `{word}` is left");
}
