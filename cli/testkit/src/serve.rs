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
}

impl Serve {
    /// Starts this binary with these flags besides those for its store. Without `--listen` it
    /// chooses a port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(kiln: &str, flags: &[&str]) -> Serve {
        let folder = TempDir::new().expect("a temporary folder");
        let log = File::create(folder.path().join("log")).expect("a log");
        let own = match flags.iter().any(|flag| flag.starts_with("--listen")) {
            true => Vec::new(),
            false => vec!["--listen=127.0.0.1:0"],
        };
        let mut child = Command::new(kiln)
            .arg("serve")
            .args(own)
            .args(flags)
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder.path())
            .env("KILN_CACHE_DIR", folder.path().join("cache"))
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
        let mut server = Serve {
            child: Some(child),
            folder,
            address: String::new(),
        };
        let address = line.strip_prefix("serving at ");
        let address = address.and_then(|rest| rest.split_whitespace().next());
        match address {
            Some(address) => server.address = address.to_owned(),
            None => panic!("it does not serve: {line}{}", server.log()),
        }
        server
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
        if let Some(mut child) = self.child.take() {
            // One that has ended already is what was wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
