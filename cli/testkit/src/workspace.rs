//! A workspace to run kiln in.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::Output;

/// A workspace in a temporary folder, with a cache of its own beside it.
pub struct Workspace {
    folder: TempDir,
    kiln: PathBuf,
    environment: Vec<(String, String)>,
}

impl Workspace {
    /// An empty workspace for this binary (`env!("CARGO_BIN_EXE_kiln")`).
    ///
    /// # Panics
    /// When the temporary folder cannot be made: a test cannot go on then.
    pub fn new(kiln: &str) -> Workspace {
        let folder = TempDir::new().expect("a temporary folder");
        fs::create_dir(folder.path().join("repo")).expect("the workspace's folder");
        let workspace = Workspace {
            folder,
            kiln: PathBuf::from(kiln),
            environment: Vec::new(),
        };
        workspace.file("MODULE.bazel", "module(name = \"test\")\n")
    }

    /// A workspace whose files are given in one text: each begins with a line `//- path`.
    pub fn with(kiln: &str, files: &str) -> Workspace {
        let mut workspace = Workspace::new(kiln);
        for part in files.split("//- ").skip(1) {
            let (path, text) = part.split_once('\n').unwrap_or((part, ""));
            workspace = workspace.file(path.trim(), text);
        }
        workspace
    }

    /// A copy of a folder of the repository (`testdata/example`), without what was built in it.
    ///
    /// # Panics
    /// When it cannot be copied: a test cannot go on then.
    pub fn of(kiln: &str, folder: &str) -> Workspace {
        let workspace = Workspace::new(kiln);
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(folder);
        copy(&from, &workspace.root()).expect("a copy of the folder");
        workspace
    }

    /// The workspace's root.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// The cache folder.
    pub fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Writes a file, folders above it included. One that begins with `#!` is made executable.
    pub fn file(self, path: &str, text: &str) -> Workspace {
        self.write(path, text);
        self
    }

    /// As [`Workspace::file`], for edits between runs.
    pub fn write(&self, path: &str, text: &str) {
        let full = self.root().join(path);
        if let Some(parent) = full.parent() {
            fs::create_dir_all(parent).expect("folders of the workspace");
        }
        fs::write(&full, text).expect("a file of the workspace");
        if text.starts_with("#!") {
            fs::set_permissions(&full, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
    }

    /// Reads a file of the workspace; `None` if there is none.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root().join(path)).ok()
    }

    /// Removes a file or folder of the workspace.
    pub fn remove(&self, path: &str) {
        let full = self.root().join(path);
        let removed = match full.is_dir() && !full.is_symlink() {
            true => fs::remove_dir_all(&full),
            false => fs::remove_file(&full),
        };
        removed.expect("something to remove");
    }

    /// Sets a variable for all runs to come.
    pub fn env(mut self, name: &str, value: &str) -> Workspace {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs kiln in the root, with words separated by blanks.
    pub fn kiln(&self, command_line: &str) -> Output {
        self.kiln_in("", command_line)
    }

    /// Runs kiln in a folder of the workspace.
    pub fn kiln_in(&self, folder: &str, command_line: &str) -> Output {
        let words: Vec<&str> = command_line.split_whitespace().collect();
        self.run(folder, &words)
    }

    /// Runs kiln with these arguments.
    pub fn run(&self, folder: &str, arguments: &[&str]) -> Output {
        let output = self
            .command(folder, arguments)
            .output()
            .expect("the kiln binary can be started");
        Output::new(output, &self.redactions())
    }

    /// Runs kiln by way of another program: `through`, with kiln and its arguments at the end.
    pub fn run_through(&self, through: &[&str], command_line: &str) -> Output {
        self.run_other(through, &self.kiln, command_line)
    }

    /// As [`Workspace::run_through`], with a copy of kiln that lies elsewhere.
    pub fn run_other(&self, through: &[&str], kiln: &Path, command_line: &str) -> Output {
        let words: Vec<&str> = command_line.split_whitespace().collect();
        let inner = self.command("", &words);
        let mut outer = Command::new(through[0]);
        outer
            .args(&through[1..])
            .arg(kiln)
            .args(inner.get_args())
            .current_dir(self.root())
            .env_clear()
            .stdin(Stdio::null());
        for (name, value) in inner.get_envs() {
            outer.env(name, value.unwrap_or_default());
        }
        let output = outer.output().expect("the other program can be started");
        Output::new(output, &self.redactions())
    }

    /// The command itself, for tests that must hold the process.
    pub fn command(&self, folder: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.kiln);
        command
            .args(arguments)
            .current_dir(self.root().join(folder))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("KILN_CACHE_DIR", self.cache())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Waits for the end of a [`Workspace::command`] whose outputs are pipes.
    pub fn finish(&self, kiln: Child) -> Output {
        let output = kiln.wait_with_output().expect("an end of kiln");
        Output::new(output, &self.redactions())
    }

    fn redactions(&self) -> Vec<(String, &'static str)> {
        let text = |path: &Path| path.display().to_string();
        let mut redactions = Vec::new();
        for (path, name) in [(self.root(), "[ROOT]"), (self.cache(), "[CACHE]")] {
            if let Ok(real) = path.canonicalize() {
                redactions.push((text(&real), name));
            }
            redactions.push((text(&path), name));
        }
        redactions
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_name() == "kiln-out" {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => fs::copy(entry.path(), &to).map(|_| ())?,
        }
    }
    Ok(())
}
