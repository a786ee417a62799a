//! How each tool is found, set up and told what to do.

mod bazel;

pub use bazel::bazel_rc;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kiln_diag::Diag;

use crate::scenario::{Peer, Step};
use crate::tree::Form;

/// A tool of this machine.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    /// Which one.
    pub(crate) peer: Peer,
    /// Its program.
    pub(crate) program: PathBuf,
    /// What it says its version is.
    pub(crate) version: String,
}

/// The folders of a tool on one tree.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// The tree.
    pub(crate) root: PathBuf,
    /// Caches and all else that the tool keeps.
    pub(crate) state: PathBuf,
}

/// What a step comes down to.
#[derive(Default)]
pub(crate) struct Plan {
    /// Commands, in turn.
    pub(crate) commands: Vec<Vec<String>>,
    /// Files and folders to move away after them.
    pub(crate) remove: Vec<PathBuf>,
}

impl Plan {
    fn command(words: Vec<String>) -> Plan {
        Plan {
            commands: vec![words],
            remove: Vec::new(),
        }
    }

    fn remove(remove: Vec<PathBuf>) -> Plan {
        Plan {
            commands: Vec::new(),
            remove,
        }
    }
}

impl Tool {
    /// Finds a tool: kiln at the path that was given or beside this program, others on `PATH`.
    ///
    /// # Errors
    /// When it is not there or does not say its version.
    pub(crate) fn find(peer: Peer, kiln: Option<&Path>) -> Result<Tool, Diag> {
        let program = match peer {
            Peer::Kiln => kiln_program(kiln),
            Peer::Ninja => on_path(&["ninja"]),
            // `bazel` is a script of Debian's that starts `bazel-4`, which takes time.
            Peer::Bazel => on_path(&["bazel-4", "bazel"]),
        };
        let program = program.ok_or_else(|| missing(peer))?;
        let program = program
            .canonicalize()
            .map_err(|error| Diag::io("cannot find", &program, &error))?;
        let mut version = first_line(Command::new(&program).arg("--version")).ok_or_else(|| {
            Diag::environment(format!("`{} --version` does not work", program.display()))
        })?;
        if version.contains("no_version") {
            // Debian's Bazel does not know it.
            let mut package = Command::new("dpkg-query");
            package.args(["-W", "-f=${Package} ${Version}", "bazel-bootstrap"]);
            version = first_line(&mut package).unwrap_or(version);
        }
        Ok(Tool {
            peer,
            program,
            version,
        })
    }

    /// How its trees are written.
    pub(crate) fn form(&self) -> Form {
        match self.peer {
            Peer::Kiln | Peer::Bazel => Form::Build,
            Peer::Ninja => Form::Ninja,
        }
    }

    /// The folder of outputs, below the root.
    pub(crate) fn outputs(&self) -> &'static str {
        match self.peer {
            Peer::Kiln => "kiln-out/fastbuild/bin",
            Peer::Ninja => "out",
            Peer::Bazel => "bazel-bin",
        }
    }

    /// The whole environment of its commands.
    pub(crate) fn environment(&self, folders: &Folders) -> Vec<(String, String)> {
        let mut environment = vec![("HOME".to_owned(), text(&folders.state))];
        if let Ok(path) = std::env::var("PATH") {
            environment.push(("PATH".to_owned(), path));
        }
        if self.peer == Peer::Kiln {
            environment.push((
                "KILN_CACHE_DIR".to_owned(),
                text(&folders.state.join("cache")),
            ));
        }
        environment
    }

    /// Whether an executable is the tool itself, its daemon or its own helpers, and not something
    /// that it runs for a target.
    pub(crate) fn owns(&self, folders: &Folders, executable: &Path) -> bool {
        executable == self.program || self.peer == Peer::Bazel && bazel::owns(folders, executable)
    }

    /// Writes what the tool needs besides its tree.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn set_up(&self, folders: &Folders) -> Result<(), Diag> {
        match self.peer {
            Peer::Kiln | Peer::Ninja => Ok(()),
            Peer::Bazel => bazel_rc(&folders.state).map(drop),
        }
    }

    /// What a step comes down to. Edits are not the tool's.
    pub(crate) fn plan(&self, step: Step, folders: &Folders) -> Plan {
        let one = |words: &[&str]| Plan::command(self.words(words));
        match (self.peer, step) {
            (_, Step::Edit(_)) => Plan::default(),
            (_, Step::Version) => one(&["--version"]),
            (Peer::Kiln, _) => self.plan_kiln(step, folders),
            (Peer::Ninja, _) => self.plan_ninja(step, folders),
            (Peer::Bazel, _) => bazel::plan(self, step, folders),
        }
    }

    fn plan_kiln(&self, step: Step, folders: &Folders) -> Plan {
        let one = |words: &[&str]| Plan::command(self.words(words));
        match step {
            Step::List => one(&["list", "--ignore_all_rc_files", "//..."]),
            // Without a sandbox it would not be what is to be compared.
            Step::Build | Step::BuildCached => one(&[
                "build",
                "--ignore_all_rc_files",
                "--sandbox=required",
                "//...",
            ]),
            Step::Clean => one(&["clean"]),
            Step::Wipe => Plan::remove(vec![
                folders.root.join("kiln-out"),
                folders.state.join("cache"),
            ]),
            Step::Version | Step::Edit(_) => Plan::default(),
        }
    }

    fn plan_ninja(&self, step: Step, folders: &Folders) -> Plan {
        let one = |words: &[&str]| Plan::command(self.words(words));
        let remove = |names: &[&str]| {
            Plan::remove(names.iter().map(|name| folders.root.join(name)).collect())
        };
        match step {
            Step::List => one(&["-t", "targets", "all"]),
            Step::Build | Step::BuildCached => one(&["--quiet"]),
            Step::Clean => remove(&["out"]),
            Step::Wipe => remove(&["out", ".ninja_log", ".ninja_deps"]),
            Step::Version | Step::Edit(_) => Plan::default(),
        }
    }

    /// Its program with these arguments.
    fn words(&self, arguments: &[&str]) -> Vec<String> {
        let arguments = arguments.iter().map(|word| (*word).to_owned());
        std::iter::once(text(&self.program))
            .chain(arguments)
            .collect()
    }

    /// The command that ends its daemon, if it can have one.
    pub(crate) fn stop(&self, folders: &Folders) -> Option<Vec<String>> {
        match self.peer {
            Peer::Kiln | Peer::Ninja => None,
            Peer::Bazel => Some(bazel::stop(self, folders)),
        }
    }
}

fn write(path: &Path, content: &str) -> Result<(), Diag> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Diag::io("cannot make", folder, &error))?;
    }
    fs::write(path, content).map_err(|error| Diag::io("cannot write", path, &error))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn kiln_program(given: Option<&Path>) -> Option<PathBuf> {
    match given {
        Some(path) => Some(path.to_owned()),
        None => {
            let beside = std::env::current_exe().ok()?.with_file_name("kiln");
            beside.is_file().then_some(beside)
        }
    }
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let places = |name| folders.iter().map(move |folder| folder.join(name));
    names.iter().flat_map(places).find(|place| place.is_file())
}

fn missing(peer: Peer) -> Diag {
    let name = peer.name();
    match peer {
        Peer::Kiln => Diag::environment("there is no `kiln` beside this program")
            .hint("`cargo build --release -p kiln-app` makes it; `--kiln=PATH` names another one"),
        Peer::Ninja | Peer::Bazel => Diag::environment(format!("`{name}` is not on PATH"))
            .hint("`bash .ci/bench` installs the peers; `--tools=kiln` goes without them"),
    }
}

/// The first line of what a command prints, if it ends well.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let line = stdout.lines().next().unwrap_or_default().trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Edit;
    use expect_test::expect;

    fn tool(peer: Peer) -> (Tool, Folders) {
        let program = PathBuf::from("/bin").join(peer.name());
        let version = String::new();
        let folders = Folders {
            root: PathBuf::from("/w/tree"),
            state: PathBuf::from("/w/state"),
        };
        (
            Tool {
                peer,
                program,
                version,
            },
            folders,
        )
    }

    #[test]
    fn what_steps_come_down_to() {
        let mut text = String::new();
        for peer in Peer::ALL {
            let (tool, folders) = tool(peer);
            for step in [
                Step::Version,
                Step::List,
                Step::Build,
                Step::BuildCached,
                Step::Clean,
                Step::Wipe,
                Step::Edit(Edit::Top),
            ] {
                text += &format!("{step:?}\n");
                let plan = tool.plan(step, &folders);
                for words in plan.commands {
                    text += &format!("  {}\n", words.join(" "));
                }
                for path in plan.remove {
                    text += &format!("  remove {}\n", path.display());
                }
            }
        }
        expect![[r#"
            Version
              /bin/kiln --version
            List
              /bin/kiln list --ignore_all_rc_files //...
            Build
              /bin/kiln build --ignore_all_rc_files --sandbox=required //...
            BuildCached
              /bin/kiln build --ignore_all_rc_files --sandbox=required //...
            Clean
              /bin/kiln clean
            Wipe
              remove /w/tree/kiln-out
              remove /w/state/cache
            Edit(Top)
            Version
              /bin/ninja --version
            List
              /bin/ninja -t targets all
            Build
              /bin/ninja --quiet
            BuildCached
              /bin/ninja --quiet
            Clean
              remove /w/tree/out
            Wipe
              remove /w/tree/out
              remove /w/tree/.ninja_log
              remove /w/tree/.ninja_deps
            Edit(Top)
            Version
              /bin/bazel --version
            List
              /bin/bazel --nohome_rc --noworkspace_rc --bazelrc=/w/state/bazelrc query //...
            Build
              /bin/bazel --nohome_rc --noworkspace_rc --bazelrc=/w/state/bazelrc build //...
            BuildCached
              /bin/bazel --nohome_rc --noworkspace_rc --bazelrc=/w/state/bazelrc build --disk_cache=/w/state/disk //...
            Clean
              /bin/bazel --nohome_rc --noworkspace_rc --bazelrc=/w/state/bazelrc clean
            Wipe
              /bin/bazel --nohome_rc --noworkspace_rc --bazelrc=/w/state/bazelrc clean
              /bin/bazel --nohome_rc --noworkspace_rc --bazelrc=/w/state/bazelrc shutdown
              remove /w/state/disk
            Edit(Top)
        "#]].assert_eq(&text);
    }

    #[test]
    fn a_tools_own_executables() {
        let owns = |peer, path: &str| {
            let (tool, folders) = tool(peer);
            tool.owns(&folders, Path::new(path))
        };
        assert!(owns(Peer::Kiln, "/bin/kiln") && !owns(Peer::Kiln, "/usr/bin/gcc"));
        assert!(owns(Peer::Bazel, "/usr/lib/jvm/java-17/bin/java"));
        assert!(owns(Peer::Bazel, "/usr/share/bazel/linux-sandbox"));
        assert!(owns(
            Peer::Bazel,
            "/w/state/bazel/install/ab/process-wrapper"
        ));
        assert!(!owns(
            Peer::Bazel,
            "/w/state/bazel/ab/execroot/bench/bazel-out/main1"
        ));
        assert!(!owns(Peer::Bazel, "/usr/lib/gcc/x/cc1plus"));
        assert!(!owns(Peer::Ninja, "/usr/lib/jvm/java-17/bin/java"));
    }

    #[test]
    fn tools_that_are_missing() {
        let text: String = Peer::ALL.map(|peer| missing(peer).render() + "\n").concat();
        expect![[r#"
            error: there is no `kiln` beside this program
            hint: `cargo build --release -p kiln-app` makes it; `--kiln=PATH` names another one
            error: `ninja` is not on PATH
            hint: `bash .ci/bench` installs the peers; `--tools=kiln` goes without them
            error: `bazel` is not on PATH
            hint: `bash .ci/bench` installs the peers; `--tools=kiln` goes without them
        "#]]
        .assert_eq(&text);
    }
}
