//! A real Docker engine, and images made of what Debian's packages hold: no registry is asked.
//!
//! The engine that is there is used; where none is, one is started from Debian's package, which
//! takes root. Where neither can be had, tests say so in one line and end, unless
//! `KILN_TEST_SERVERS=required` is set, as CI does.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Docker engine that answers.
pub struct Docker {
    /// The program that speaks with it.
    program: PathBuf,
    /// Where it is, if not at the usual place.
    host: Option<String>,
}

/// An image with a shell and small tools, no bash.
const BUSYBOX: &str = include_str!("docker/busybox.sh");
/// An image with bash, a C++ compiler and Python.
const GCC: &str = include_str!("docker/gcc.sh");
/// The first one with variables of its own, and a program in a folder that only its `PATH` has.
const VARIABLES: &str = r#"
id=$("$docker" create kiln-test/busybox:1 true)
mkdir -p root/opt/tools
printf '#!/bin/sh\necho Python 3.99.0\n' > root/opt/tools/python3
chmod 755 root/opt/tools/python3
tar --owner=0 --group=0 -C root -cf - opt | "$docker" cp - "$id:/"
"$docker" commit --change 'ENV PATH=/bin:/opt/tools' --change 'ENV FLAVOR=vanilla' "$id" kiln-test/variables:1
"$docker" rm "$id"
"#;
/// An image with nothing in it, made for a processor that this machine does not have.
const FOREIGN: &str = include_str!("docker/foreign.sh");
/// An image with nothing in it.
const EMPTY: &str = "mkdir root; tar -C root -cf - . | \"$docker\" import - kiln-test/empty:1";
/// Starts an engine, or finds the one that was started before.
const ENGINE: &str = include_str!("docker/engine.sh");

impl Docker {
    /// Finds or starts one. `None` where that cannot be.
    ///
    /// # Panics
    /// When it must be there and is not.
    #[allow(clippy::print_stderr, reason = "a test that cannot run must say so")]
    pub fn start() -> Option<Docker> {
        match Docker::find() {
            Ok(docker) => Some(docker),
            Err(reason) => {
                let required = std::env::var_os("KILN_TEST_SERVERS").is_some();
                assert!(!required, "no Docker engine: {reason}");
                eprintln!("not tested, for want of a Docker engine: {reason}");
                None
            }
        }
    }

    fn find() -> Result<Docker, String> {
        let usual = Docker {
            program: PathBuf::from("docker"),
            host: std::env::var("DOCKER_HOST").ok(),
        };
        if usual.run(&["version"]).is_ok() {
            return Ok(usual);
        }
        let _lock = lock("docker.lock")?;
        let folder = fixtures().join("docker");
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        script(ENGINE, &folder, &usual)?;
        let own = Docker {
            program: folder.join("pkg/usr/bin/docker"),
            host: Some(format!("unix://{}", folder.join("docker.sock").display())),
        };
        own.run(&["version"])?;
        Ok(own)
    }

    /// The name of an image with a shell and small tools, and no bash; made if need be.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn busybox(&self) -> String {
        self.image("busybox", BUSYBOX)
    }

    /// The name of an image with bash, a C++ compiler and Python; made if need be.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn gcc(&self) -> String {
        self.image("gcc", GCC)
    }

    /// The name of an image whose own variables are `FLAVOR=vanilla` and `PATH=/bin:/opt/tools`, with
    /// something called `python3` in the latter folder; made if need be.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn variables(&self) -> String {
        self.busybox();
        self.image("variables", VARIABLES)
    }

    /// The name of an image that is made for another processor; made if need be.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn foreign(&self) -> String {
        self.image("foreign", FOREIGN)
    }

    /// The name of an image with nothing in it; made if need be.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn empty(&self) -> String {
        self.image("empty", EMPTY)
    }

    fn image(&self, name: &str, script_text: &str) -> String {
        let made = || {
            let _lock = lock("images.lock")?;
            let tag = format!("kiln-test/{name}:1");
            if self.run(&["image", "inspect", &tag]).is_err() {
                let folder = fixtures().join(format!("image-{name}"));
                let _ = fs::remove_dir_all(&folder);
                fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
                script(script_text, &folder, self)?;
            }
            Ok::<_, String>(tag)
        };
        made().unwrap_or_else(|error| panic!("image `{name}` cannot be made: {error}"))
    }

    /// Where it is, as `DOCKER_HOST` has it; `None`: at the usual place.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// What its program prints.
    ///
    /// Errors: what it says.
    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.program);
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        let output = command.args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("`docker`: {error}"))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    }

    /// The containers of a workspace, waiting for a while until there are none.
    pub fn containers_left(&self, workspace: &Path) -> Vec<String> {
        let label = format!("label=kiln.workspace={}", workspace.display());
        for _ in 0..200 {
            let found = self.run(&["ps", "-a", "-q", "--filter", &label]);
            let found = found.expect("containers can be listed");
            if found.is_empty() {
                return Vec::new();
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let found = self.run(&["ps", "-a", "--filter", &label]);
        vec![found.expect("containers can be listed")]
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fixtures")
}

/// Tests of several crates may run at a time; one makes things.
fn lock(name: &str) -> Result<File, String> {
    let text = |error: std::io::Error| format!("`{name}`: {error}");
    fs::create_dir_all(fixtures()).map_err(text)?;
    let file = File::create(fixtures().join(name)).map_err(text)?;
    file.lock().map_err(text)?;
    Ok(file)
}

/// Runs a script in a folder.
fn script(text: &str, folder: &Path, docker: &Docker) -> Result<(), String> {
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail", "-c", text])
        .current_dir(folder)
        .env("docker", &docker.program)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if let Some(host) = &docker.host {
        command.env("DOCKER_HOST", host);
    }
    let output = command
        .output()
        .map_err(|error| format!("`bash`: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}
