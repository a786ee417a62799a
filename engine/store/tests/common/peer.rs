//! Another process that uses the store: this test program run again, for its test `peer` alone.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

const ROLE: &str = "KILN_STORE_TEST_PEER";
const PLACE: &str = "KILN_STORE_TEST_PLACE";
/// Begins the lines that a peer says; the test harness prints others.
const MARK: &str = "peer: ";

/// A peer as its parent sees it. Killed when it is dropped.
pub struct Peer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts a peer that plays `role` with the store in `place`.
    pub fn start(role: &str, place: &Path) -> Peer {
        Peer::start_by(Command::new(std::env::current_exe().unwrap()), role, place)
    }

    /// Starts one by a shell, after `preparation`.
    pub fn start_in_shell(preparation: &str, role: &str, place: &Path) -> Peer {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("{preparation}\nexec \"$@\""), "sh"])
            .arg(std::env::current_exe().unwrap())
            .env("PLACE", place);
        Peer::start_by(shell, role, place)
    }

    fn start_by(mut command: Command, role: &str, place: &Path) -> Peer {
        let mut child = command
            .args(["peer", "--exact", "--nocapture"])
            .env(ROLE, role)
            .env(PLACE, place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Peer { child, lines }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the peer says next; `None` when it has ended.
    pub fn hear(&mut self) -> Option<String> {
        for line in self.lines.by_ref() {
            // The harness prints the name of the test before what the test prints.
            if let Some((_, said)) = line.ok()?.split_once(MARK) {
                return Some(said.to_owned());
            }
        }
        None
    }

    pub fn expect(&mut self, what: &str) {
        assert_eq!(self.hear().as_deref(), Some(what));
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Kills it; no destructor of it runs.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it go on to its end, which must be a success.
    pub fn end(mut self) {
        drop(self.child.stdin.take());
        while self.hear().is_some() {}
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In a peer: the role it plays and the place it plays in. `None` in the test program itself.
pub fn role() -> Option<(String, std::path::PathBuf)> {
    let place = std::env::var_os(PLACE)?;
    Some((std::env::var(ROLE).ok()?, place.into()))
}

/// In a peer: says something.
pub fn say(what: &str) {
    println!("{MARK}{what}");
}

/// In a peer: waits to be let go on.
pub fn wait() {
    let mut line = String::new();
    while std::io::stdin().lock().read_line(&mut line).unwrap() > 0 {}
}
