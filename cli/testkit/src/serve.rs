//! `kiln serve` as it is run by people, at a port or a socket of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running `kiln serve`, with a store of its own. It ends with the value.
pub struct Serve {
    child: Option<Child>,
    folder: TempDir,
    address: String,
    kiln: PathBuf,
    flags: Vec<String>,
}

impl Serve {
    /// Starts this binary with these flags besides those for its store. Without `--listen` it
    /// chooses a port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(kiln: &str, flags: &[&str]) -> Serve {
        let mut flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        if !flags.iter().any(|flag| flag.starts_with("--listen")) {
            flags.push("--listen=127.0.0.1:0".to_owned());
        }
        let mut server = Serve {
            child: None,
            folder: TempDir::new().expect("a temporary folder"),
            address: String::new(),
            kiln: PathBuf::from(kiln),
            flags,
        };
        server.spawn();
        server
    }

    /// Kills it, as a machine that loses its power does, and starts it at the same port with the
    /// store that it had.
    ///
    /// # Panics
    /// When it does not start again.
    pub fn restart(&mut self) {
        self.kill();
        if let Some(address) = self.address.strip_prefix("grpc://") {
            let flags = self.flags.iter();
            let others = flags.filter(|flag| !flag.starts_with("--listen"));
            let mut flags: Vec<String> = others.cloned().collect();
            flags.push(format!("--listen={address}"));
            self.flags = flags;
        }
        self.spawn();
    }

    fn spawn(&mut self) {
        let log = File::create(self.folder.path().join("log")).expect("a log");
        let mut child = Command::new(&self.kiln)
            .arg("serve")
            .args(&self.flags)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("KILN_CACHE_DIR", self.folder.path().join("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the kiln binary can be started");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("a line of its output");
        self.child = Some(child);
        let address = line.strip_prefix("serving at ");
        let address = address.and_then(|rest| rest.split_whitespace().next());
        match address {
            Some(address) => self.address = address.to_owned(),
            None => panic!("it does not serve: {line}{}", self.log()),
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that has ended already is what was wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Its address, as `--remote_executor` takes it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its cache folder.
    pub fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// A folder for files of the test, in which it runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it said besides its address.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Asks it to end, as Ctrl-C does; its exit code.
    ///
    /// # Panics
    /// When it cannot be asked, or has ended already.
    pub fn interrupt(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("a running server");
        let asked = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(asked.is_ok_and(|status| status.success()), "kill");
        child.wait().expect("an end").code()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.kill();
    }
}
