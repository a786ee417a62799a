//! One tool on a tree of its own: steps, figures, and whether the results are right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kiln_diag::Diag;

use crate::cgroup::{self, Hierarchy};
use crate::launcher::{Launcher, Place};
use crate::proc;
use crate::scenario::{Peer, Step};
use crate::stats::Sample;
use crate::tool::{Folders, Tool};
use crate::tree::{Flavour, Tree};

/// See the module. Dropping it ends the tool's daemon.
pub(crate) struct Subject {
    pub(crate) tool: Tool,
    tree: Tree,
    folders: Folders,
    /// Where what is in the way goes, and how much is there.
    aside: (PathBuf, u32),
    /// Whether a daemon may be running.
    started: bool,
    launcher: Launcher,
    // After the launcher: a group can be removed when nobody is in it.
    group: Option<cgroup::Group>,
}

impl Subject {
    /// Writes the tree and whatever else the tool needs below `folder`.
    ///
    /// # Errors
    /// When something cannot be written or started.
    pub(crate) fn new(
        tool: &Tool,
        tree: &Tree,
        folder: &Path,
        hierarchy: Option<&Hierarchy>,
    ) -> Result<Subject, Diag> {
        let folders = Folders {
            root: folder.join("tree"),
            state: folder.join("state"),
        };
        let aside = folder.join("aside");
        for path in [&folders.root, &folders.state, &aside] {
            fs::create_dir_all(path).map_err(|error| Diag::io("cannot make", path, &error))?;
        }
        tree.write(tool.form(), &folders.root)?;
        tool.set_up(&folders)?;
        let name = tool.peer.name();
        let group = hierarchy
            .map(|hierarchy| cgroup::Group::new(hierarchy, name))
            .transpose()?;
        let launcher = Launcher::start(&Place {
            folder: &folders.root,
            environment: &tool.environment(&folders),
            logs: folder,
            door: group.as_ref().map(cgroup::Group::door),
        })?;
        Ok(Subject {
            tool: tool.clone(),
            tree: tree.clone(),
            folders,
            aside: (aside, 0),
            started: false,
            launcher,
            group,
        })
    }

    /// Does a step that is not measured.
    ///
    /// # Errors
    /// When a command fails or a file cannot be changed.
    pub(crate) fn step(&mut self, step: Step) -> Result<(), Diag> {
        if let Step::Edit(edit) = step {
            return self.tree.edit(edit, &self.folders.root);
        }
        // Asked for its version, no tool starts a daemon.
        self.started |= step != Step::Version;
        let plan = self.tool.plan(step, &self.folders);
        for words in &plan.commands {
            self.command(words)?;
        }
        for path in &plan.remove {
            self.set_aside(path)?;
        }
        self.settle().map(drop)
    }

    /// Moves a file, a link or a folder away, if it is there. Removing thousands of files just
    /// before a build that makes as many is another benchmark: an ext4 without a journal goes
    /// through all that were removed of late for each that it makes.
    fn set_aside(&mut self, path: &Path) -> Result<(), Diag> {
        let (folder, count) = &mut self.aside;
        *count += 1;
        match fs::rename(path, folder.join(count.to_string())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Diag::io("cannot move away", path, &error))
            }
            _ => Ok(()),
        }
    }

    /// Does a step, measures it, and checks what came of it.
    ///
    /// # Errors
    /// When the command fails or its results are wrong.
    pub(crate) fn measure(&mut self, step: Step) -> Result<Sample, Diag> {
        let plan = self.tool.plan(step, &self.folders);
        let [words] = &*plan.commands else {
            return Err(Diag::internal(format!("{step:?} is not one command")));
        };
        self.started |= step != Step::Version;
        self.forget_peaks()?;
        let before = self.cpu()?;
        let (wall, peak_kib) = self.command(words)?;
        let after = self.settle()?;
        let sample = Sample {
            wall,
            cpu: before
                .zip(after)
                .map(|(before, after)| after.saturating_sub(before)),
            peak_kib,
        };
        self.check(step)?;
        Ok(sample)
    }

    /// The line in which the last command said how many actions it ran, and how.
    pub(crate) fn account(&self) -> Option<String> {
        let text = self.launcher.stderr().ok()?;
        let counts = |line: &&str| line.contains(" processes: ") || line.contains(" actions: ");
        text.lines()
            .rfind(counts)
            .map(|line| line.trim().to_owned())
    }

    /// Runs a command; wall time and the most memory that was seen in use.
    fn command(&mut self, words: &[String]) -> Result<(Duration, Option<u64>), Diag> {
        let mut peak = None;
        let (tool, folders, group) = (&self.tool, &self.folders, &self.group);
        let ended = self.launcher.run(words, || {
            if let Some(group) = group {
                peak = peak.max(resident(tool, folders, group));
            }
        })?;
        match ended.code {
            Some(0) => Ok((ended.wall, peak)),
            code => {
                let how = code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
                let message = format!("`{}` ended with {how}", words.join(" "));
                let said = self.launcher.stderr()? + &self.launcher.stdout()?;
                Err(last_lines(&said)
                    .into_iter()
                    .fold(Diag::environment(message), Diag::note))
            }
        }
    }

    fn cpu(&self) -> Result<Option<Duration>, Diag> {
        self.group.as_ref().map(cgroup::Group::cpu).transpose()
    }

    /// Waits until a daemon, and processes that are still ending, have done what they do after
    /// a command, but no longer than a second. The processor time until then.
    fn settle(&self) -> Result<Option<Duration>, Diag> {
        let start = Instant::now();
        let mut last = self.cpu()?;
        while last.is_some() && start.elapsed() < Duration::from_secs(1) {
            sleep(Duration::from_millis(20));
            let now = self.cpu()?;
            let used = now.zip(last).map(|(now, last)| now.saturating_sub(last));
            last = now;
            if used < Some(Duration::from_millis(1)) {
                break;
            }
        }
        Ok(last)
    }

    /// Sets back the kernel's record of the most memory that a daemon had, so that it counts for
    /// the next command alone (proc(5), `clear_refs`).
    fn forget_peaks(&self) -> Result<(), Diag> {
        let processes = self.group.iter().flat_map(cgroup::Group::processes);
        for process in processes.filter(|process| is_of(&self.tool, &self.folders, *process)) {
            let path = PathBuf::from(format!("/proc/{process}/clear_refs"));
            match fs::write(&path, "5") {
                Err(error) if executable(process).is_some() => {
                    return Err(Diag::io("cannot write", &path, &error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a command did what it should have done.
    fn check(&self, step: Step) -> Result<(), Diag> {
        match step {
            Step::Build | Step::BuildCached => self.check_outputs(),
            Step::List => {
                let listed = labels(self.tool.peer, &self.launcher.stdout()?);
                check_labels(self.tool.peer.name(), &listed, &self.tree.labels())
            }
            Step::Version | Step::Clean | Step::Wipe | Step::Edit(_) => Ok(()),
        }
    }

    fn check_outputs(&self) -> Result<(), Diag> {
        let folder = self.folders.root.join(self.tool.outputs());
        let wrong = |path: &Path, got: String, expected: &str| {
            let message = format!(
                "{} built a wrong `{}`",
                self.tool.peer.name(),
                path.display()
            );
            let diag = Diag::environment(message);
            Err(diag
                .note(format!("expected {expected:?}"))
                .note(format!("got {got:?}")))
        };
        for (path, expected) in self.tree.outputs() {
            let path = folder.join(path);
            match fs::read_to_string(&path) {
                Ok(text) if text == expected => {}
                Ok(text) => return wrong(&path, text, &expected),
                Err(error) => return Err(Diag::io("cannot read the output", &path, &error)),
            }
        }
        for (path, expected) in self.tree.programs() {
            let path = folder.join(path);
            let output = Command::new(&path).output();
            let output = output.map_err(|error| Diag::io("cannot run", &path, &error))?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if text != expected {
                return wrong(&path, text, &expected);
            }
        }
        Ok(())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if let (true, Some(words)) = (self.started, self.tool.stop(&self.folders)) {
            // Whatever ended the measuring is told; a server that does not answer ends by itself.
            let _ = self.launcher.run(&words, || {});
        }
    }
}

/// Memory in the tool's own processes, in KiB.
fn resident(tool: &Tool, folders: &Folders, group: &cgroup::Group) -> Option<u64> {
    let own = group.processes().into_iter().filter_map(|process| {
        let executable = executable(process).filter(|path| tool.owns(folders, path))?;
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        Some((process, (executable, proc::Memory::read(&status)?)))
    });
    memory(tool.peer, &own.collect())
}

/// The sum over some processes: of each its peak, but of one that runs the same program as its
/// parent only what is its own.
///
/// Such a child is a fork that shares the pages of its parent. The children of ninja and of Bazel's
/// server are about to become other programs, and until then live in their parent's memory. Those of
/// kiln make sandboxes: their anonymous pages count, though they share most of these as well.
fn memory(peer: Peer, own: &BTreeMap<u32, (PathBuf, proc::Memory)>) -> Option<u64> {
    let parts = own.values().map(|(executable, memory)| {
        let parent = own.get(&memory.parent);
        match (parent.is_some_and(|(other, _)| other == executable), peer) {
            (false, _) => memory.peak_kib,
            (true, Peer::Kiln) => memory.anonymous_kib,
            (true, Peer::Ninja | Peer::Bazel) => 0,
        }
    });
    parts.reduce(|sum, part| sum + part)
}

fn is_of(tool: &Tool, folders: &Folders, process: u32) -> bool {
    executable(process).is_some_and(|path| tool.owns(folders, &path))
}

/// What a process runs; `None` if it has ended, or belongs to somebody else.
fn executable(process: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/exe")).ok()
}

/// The labels that a tool listed.
fn labels(peer: Peer, stdout: &str) -> BTreeSet<String> {
    let label = |line: &str| match peer {
        Peer::Kiln | Peer::Bazel => Some(line.to_owned()),
        // `area0/part1/list7: phony`
        Peer::Ninja => {
            let (path, _) = line.split_once(": ")?;
            let (folder, name) = path.rsplit_once('/')?;
            Some(format!("//{folder}:{name}"))
        }
    };
    stdout.lines().filter_map(label).collect()
}

fn check_labels(
    name: &str,
    listed: &BTreeSet<String>,
    expected: &BTreeSet<String>,
) -> Result<(), Diag> {
    let missing: Vec<&String> = expected.difference(listed).collect();
    let more: Vec<&String> = listed.difference(expected).collect();
    if missing.is_empty() && more.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{name} listed {} targets of {}",
        listed.len(),
        expected.len()
    );
    let mut diag = Diag::environment(message);
    for (what, labels) in [("missing", missing), ("unexpected", more)] {
        if let Some(first) = labels.first() {
            diag = diag.note(format!("{} {what}, such as `{first}`", labels.len()));
        }
    }
    Err(diag)
}

fn last_lines(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(12)..].to_vec()
}

/// The first hierarchy in which this user can count, or why there is none.
pub(crate) fn accounting(work: &Path) -> Result<Hierarchy, Vec<Diag>> {
    let mut reasons = Vec::new();
    for hierarchy in Hierarchy::all() {
        match join(&hierarchy, work) {
            Ok(()) => return Ok(hierarchy),
            Err(reason) => reasons.push(reason),
        }
    }
    if reasons.is_empty() {
        reasons.push(Diag::environment("no control groups are mounted"));
    }
    Err(reasons)
}

fn join(hierarchy: &Hierarchy, work: &Path) -> Result<(), Diag> {
    let group = cgroup::Group::new(hierarchy, "probe")?;
    Launcher::start(&Place {
        folder: work,
        environment: &[],
        logs: work,
        door: Some(group.door()),
    })
    .map(drop)
}

/// What is compared with what it should be, for the report.
pub(crate) fn what_is_checked(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Genrule => "every output after every build",
        Flavour::Cc => "what two programs print after every build",
        Flavour::List => "every label",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn what_tools_list() {
        let tree = Tree::new(Flavour::List, 3, 1);
        let kiln = labels(Peer::Kiln, "//area0/part0:list0\n//area0/part0:list1\n");
        let ninja = labels(
            Peer::Ninja,
            "area0/part0/list0: phony\narea0/part0/list1: phony\narea0/part0/list2: phony\n",
        );
        assert!(check_labels("ninja", &ninja, &tree.labels()).is_ok());
        let error = check_labels("kiln", &kiln, &tree.labels()).unwrap_err();
        expect![[r#"
            error: kiln listed 2 targets of 3
               = 1 missing, such as `//area0/part0:list2`"#]]
        .assert_eq(&error.render());
        let error = check_labels("kiln", &ninja, &kiln).unwrap_err();
        expect![[r#"
            error: kiln listed 3 targets of 2
               = 1 unexpected, such as `//area0/part0:list2`"#]]
        .assert_eq(&error.render());
    }

    #[test]
    fn memory_that_is_shared_counts_once() {
        let process = |path: &str, parent, peak_kib, anonymous_kib| {
            let memory = proc::Memory {
                parent,
                peak_kib,
                anonymous_kib,
            };
            (PathBuf::from(path), memory)
        };
        let kiln = [
            (2, process("/kiln", 1, 60_000, 40_000)),
            (3, process("/kiln", 2, 4_000, 1_500)),
            (4, process("/kiln", 3, 4_000, 1_500)),
        ];
        assert_eq!(memory(Peer::Kiln, &kiln.into()), Some(63_000));
        let bazel = [
            (2, process("/bazel", 1, 10_000, 1_000)),
            (3, process("/java", 1, 400_000, 300_000)),
            (4, process("/java", 3, 400_000, 300_000)),
            (5, process("/linux-sandbox", 3, 2_000, 100)),
        ];
        assert_eq!(memory(Peer::Bazel, &bazel.into()), Some(412_000));
        assert_eq!(memory(Peer::Ninja, &BTreeMap::new()), None);
    }

    #[test]
    fn only_the_end_of_what_a_command_says_is_shown() {
        let text: String = (0..20).map(|line| format!("{line}\n\n")).collect();
        assert_eq!(last_lines(&text).first(), Some(&"8"));
        assert_eq!(last_lines(&text).len(), 12);
        assert!(last_lines("").is_empty());
    }
}
