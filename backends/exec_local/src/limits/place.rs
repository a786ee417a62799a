//! Where control groups are, and what their files are called in either version.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use kiln_diag::io_text;

use super::OWN_PROCESSES;
use crate::zygote::wire::{Counter, Resource};

/// Where groups of one kind are made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) resource: Resource,
    /// The folder in which groups are made.
    pub(super) parent: PathBuf,
    /// The folder of this process's own group.
    pub(super) home: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Resource {
    fn controller(self) -> &'static str {
        match self {
            Resource::Memory => "memory",
            Resource::Processes => "pids",
        }
    }

    /// The file that holds the limit, and one more that must not be a way around it.
    fn limit_files(self, version: Version) -> (&'static str, Option<(&'static str, bool)>) {
        match (self, version) {
            (Resource::Memory, Version::One) => (
                "memory.limit_in_bytes",
                Some(("memory.memsw.limit_in_bytes", true)),
            ),
            (Resource::Memory, Version::Two) => ("memory.max", Some(("memory.swap.max", false))),
            (Resource::Processes, _) => ("pids.max", None),
        }
    }

    /// The file and the word in it that count how often the limit was hit.
    fn counter(self, version: Version) -> (&'static str, &'static str) {
        match (self, version) {
            (Resource::Memory, Version::One) => ("memory.oom_control", "oom_kill"),
            (Resource::Memory, Version::Two) => ("memory.events", "oom_kill"),
            (Resource::Processes, _) => ("pids.events", "max"),
        }
    }
}

impl Place {
    /// Where groups for `resource` can be made; else why not.
    pub(super) fn find(resource: Resource, groups: &str, mounts: &str) -> Result<Place, String> {
        let controller = resource.controller();
        let (version, mount, home) = home(controller, groups, mounts)
            .ok_or_else(|| format!("no control group with `{controller}` is mounted"))?;
        let mut place = Place {
            resource,
            parent: home.clone(),
            home: home.clone(),
            version,
        };
        let mut refused = place.try_out();
        // In version 2 a group that has processes gives no controllers to groups below it.
        while version == Version::Two && refused.is_err() && place.parent != mount {
            place.parent.pop();
            let above = place.try_out();
            if above.is_ok() {
                refused = above;
            }
        }
        match refused {
            Ok(()) => Ok(place),
            Err(reason) => Err(reason),
        }
    }

    /// Makes a group and removes it again.
    fn try_out(&self) -> Result<(), String> {
        let folder = self.parent.join(own_name());
        let shown = self.parent.display();
        fs::create_dir(&folder).map_err(|error| {
            format!(
                "control group `{shown}` cannot be written to: {}",
                io_text(&error)
            )
        })?;
        let (file, _) = self.resource.limit_files(self.version);
        let has = folder.join(file).exists();
        // A folder that stays is empty and harmless, and is removed by the next run.
        let _ = fs::remove_dir(&folder);
        let controller = self.resource.controller();
        has.then_some(())
            .ok_or_else(|| format!("`{controller}` is not enabled below control group `{shown}`"))
    }

    pub(super) fn set(&self, folder: &Path, limit: u64) -> io::Result<()> {
        let (file, other) = self.resource.limit_files(self.version);
        let limit = match self.resource {
            Resource::Memory => limit,
            Resource::Processes => limit + OWN_PROCESSES,
        };
        fs::write(folder.join(file), limit.to_string())?;
        if let Some((other, same)) = other {
            let other = folder.join(other);
            // Only kernels that count swap have it.
            if other.exists() {
                let limit = if same { limit } else { 0 };
                fs::write(other, limit.to_string())?;
            }
        }
        Ok(())
    }

    pub(super) fn counter(&self, folder: &Path) -> Counter {
        let (file, word) = self.resource.counter(self.version);
        Counter {
            path: folder.join(file).to_string_lossy().into_owned(),
            word: word.to_owned(),
            resource: self.resource,
        }
    }

    /// Removes what killed processes left.
    pub(super) fn remove_stale(&self) {
        for entry in fs::read_dir(&self.parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let pid = name.to_str().and_then(|name| {
                let (pid, _) = name.strip_prefix("kiln-")?.split_once('-')?;
                pid.parse::<u32>().ok()
            });
            if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
                // Whatever is not empty is not a left-over.
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

/// The name of a new group: no other has it, of this process or another.
pub(super) fn own_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("kiln-{}-{number}", std::process::id())
}

/// Which version has a controller, where its root is mounted, and the folder of one's own group.
fn home(controller: &str, groups: &str, mounts: &str) -> Option<(Version, PathBuf, PathBuf)> {
    let own = |wanted: &dyn Fn(&str) -> bool| {
        groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?);
            wanted(controllers).then_some(path)
        })
    };
    let has = |list: &str| list.split(',').any(|name| name == controller);
    let one = mount("cgroup", &has, mounts).zip(own(&has));
    let two = || mount("cgroup2", &|_| true, mounts).zip(own(&|list| list.is_empty()));
    let (version, ((root, point), own)) = match one {
        Some(found) => (Version::One, found),
        None => (Version::Two, two()?),
    };
    // A container may have mounted a part of the hierarchy.
    let below = Path::new(own).strip_prefix(root).ok()?;
    let mount = PathBuf::from(point);
    // Without a slash at the end.
    let home = mount.iter().chain(below).collect();
    Some((version, mount, home))
}

/// What part of a hierarchy is mounted, and where.
fn mount<'a>(
    kind: &str,
    options: &dyn Fn(&str) -> bool,
    mounts: &'a str,
) -> Option<(&'a str, &'a str)> {
    mounts.lines().find_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let mut system = system.split(' ');
        let fits = system.next()? == kind && options(system.nth(1)?);
        let mut mount = mount.split(' ').skip(3);
        let (root, point) = (mount.next()?, mount.next()?);
        fits.then_some((root, point))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(controller: &str, groups: &str, mounts: &str) -> String {
        match home(controller, groups, mounts) {
            None => "nowhere".to_owned(),
            Some((version, mount, home)) => {
                format!("{version:?} {} {}", mount.display(), home.display())
            }
        }
    }

    #[test]
    fn controllers_are_found_in_either_version() {
        let hybrid = "9:name=systemd:/\n8:pids:/\n4:memory,x:/a/b\n0::/\n";
        let mounts = "\
            30 29 0:26 / /sys/fs/cgroup/memory rw,relatime shared:1 - cgroup cgroup rw,memory,x\n\
            31 29 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
            32 29 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        assert_eq!(
            show("memory", hybrid, mounts),
            "One /sys/fs/cgroup/memory /sys/fs/cgroup/memory/a/b"
        );
        assert_eq!(
            show("pids", hybrid, mounts),
            "One /sys/fs/cgroup/pids /sys/fs/cgroup/pids"
        );
        let unified = "0::/user.slice/run-1.scope\n";
        let mounts = "32 29 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        assert_eq!(
            show("memory", unified, mounts),
            "Two /sys/fs/cgroup /sys/fs/cgroup/user.slice/run-1.scope"
        );
        let part = "32 29 0:28 /user.slice /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        assert_eq!(
            show("memory", unified, part),
            "Two /sys/fs/cgroup /sys/fs/cgroup/run-1.scope"
        );
        assert_eq!(show("memory", unified, ""), "nowhere");
        assert_eq!(show("memory", "", mounts), "nowhere");
    }
}
