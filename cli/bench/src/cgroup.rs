//! Control groups: what a tool, its daemons and its actions cost together.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use kiln_diag::Diag;

use crate::proc;

/// How long a group may take to get empty before it is left behind.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where groups can be made, and how they count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hierarchy {
    /// The `cpuacct` controller of version 1.
    V1(PathBuf),
    /// Version 2, which always counts.
    V2(PathBuf),
}

impl Hierarchy {
    /// The hierarchies of this machine in the order of preference. That there is one does not mean
    /// that this user may make groups in it.
    pub(crate) fn all() -> Vec<Hierarchy> {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let mounts = proc::mounts(&read("/proc/self/mountinfo"));
        let groups = read("/proc/self/cgroup");
        let first = proc::own_group(&groups, &mounts, Some("cpuacct")).map(Hierarchy::V1);
        let second = proc::own_group(&groups, &mounts, None).map(Hierarchy::V2);
        first.into_iter().chain(second).collect()
    }

    /// Its name, for the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Hierarchy::V1(_) => "cgroup v1 cpuacct",
            Hierarchy::V2(_) => "cgroup v2 cpu.stat",
        }
    }

    fn folder(&self) -> &Path {
        match self {
            Hierarchy::V1(folder) | Hierarchy::V2(folder) => folder,
        }
    }
}

/// A group of its own for one tool. It is removed when dropped, if all its processes are gone.
pub(crate) struct Group {
    hierarchy: Hierarchy,
    folder: PathBuf,
}

impl Group {
    /// Makes a group with a name that no other benchmark has.
    ///
    /// # Errors
    /// When this user may not, or the kernel does not count there.
    pub(crate) fn new(hierarchy: &Hierarchy, name: &str) -> Result<Group, Diag> {
        let name = format!("kiln-bench-{}-{name}", std::process::id());
        let folder = hierarchy.folder().join(name);
        fs::create_dir(&folder)
            .map_err(|error| Diag::io("cannot make the control group", &folder, &error))?;
        let group = Group {
            hierarchy: hierarchy.clone(),
            folder,
        };
        group.cpu()?;
        Ok(group)
    }

    /// The file that a process writes itself into to join.
    pub(crate) fn door(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// Processor time of all processes that are or were in it.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub(crate) fn cpu(&self) -> Result<Duration, Diag> {
        let (path, nanoseconds) = match self.hierarchy {
            Hierarchy::V1(_) => {
                let path = self.folder.join("cpuacct.usage");
                let text = read(&path)?;
                (path, text.trim().parse().ok())
            }
            Hierarchy::V2(_) => {
                let path = self.folder.join("cpu.stat");
                let text = read(&path)?;
                let microseconds = proc::cpu_stat(&text);
                (path, microseconds.map(|count| count.saturating_mul(1000)))
            }
        };
        nanoseconds.map(Duration::from_nanos).ok_or_else(|| {
            Diag::environment(format!(
                "no processor time is given in `{}`",
                path.display()
            ))
        })
    }

    /// The processes that are in it now.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.door()).unwrap_or_default();
        proc::process_ids(&text).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let start = Instant::now();
        // A daemon that was told to end may take a moment.
        while fs::remove_dir(&self.folder).is_err() && start.elapsed() < PATIENCE {
            if !self.folder.exists() {
                break;
            }
            sleep(Duration::from_millis(20));
        }
    }
}

fn read(path: &Path) -> Result<String, Diag> {
    fs::read_to_string(path).map_err(|error| Diag::io("cannot read", path, &error))
}
