//! Limits of what one action may use, by control groups where they can be made.
//!
//! | limit | by | where that cannot be |
//! | --- | --- | --- |
//! | memory of all processes together, with the private `/tmp` | the memory controller | the address space of each process |
//! | processes and threads | the pids controller | `RLIMIT_NPROC`, which in a user namespace counts that namespace's processes only; pid 1 tries now and then whether it is reached |
//!
//! Each worker has a group of its own, so that nothing is to be done for an action: it begins in
//! its worker's group. Version 1 and 2 are told apart by controller, since both may be mounted.

mod place;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiln_diag::Diag;

use crate::config::{Limits, ProcessLimit};
use crate::zygote::wire::{self, Counter, Resource};
use place::{Place, own_name};

/// A worker and its pid 1 are no processes of the action.
const OWN_PROCESSES: u64 = 2;
/// How many processes and threads an action may have if nothing is said: enough for everything
/// that means well, and few enough for the memory of a small machine.
const MANY_PROCESSES: u64 = 4096;

/// Makes groups for workers.
pub(crate) struct Limiter {
    asked: Limits,
    places: Vec<Place>,
    /// What cannot be enforced as asked, and why not.
    refused: Vec<(Resource, String)>,
}

impl Limiter {
    /// Finds out where groups can be made, if any limit is asked for.
    pub(crate) fn new(asked: Limits) -> Limiter {
        let mut limiter = Limiter {
            asked,
            places: Vec::new(),
            refused: Vec::new(),
        };
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        for resource in limiter.asked.resources() {
            let (groups, mounts) = (read("/proc/self/cgroup"), read("/proc/self/mountinfo"));
            match Place::find(resource, &groups, &mounts) {
                Ok(place) => {
                    place.remove_stale();
                    limiter.places.push(place);
                }
                Err(reason) => limiter.refused.push((resource, reason)),
            }
        }
        limiter
    }

    /// The same limits without groups, which workers may not enter.
    pub(crate) fn without_groups(&self, reason: &str) -> Limiter {
        let mut refused = self.refused.clone();
        let given_up = self.places.iter().map(|place| place.resource);
        refused.extend(given_up.map(|resource| (resource, reason.to_owned())));
        Limiter {
            asked: self.asked,
            places: Vec::new(),
            refused,
        }
    }

    /// Whether workers are in groups.
    pub(crate) fn has_groups(&self) -> bool {
        !self.places.is_empty()
    }

    /// A group for one worker, and what the worker has to know. `namespaces`: it will have a user
    /// namespace.
    pub(crate) fn group(&self, namespaces: bool) -> io::Result<(Group, wire::Limits)> {
        let group = self.make()?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let limits = wire::Limits {
            groups: group.folders.iter().map(|(f, _)| text(f)).collect(),
            counters: group.counters.clone(),
            address_space: self.address_space(),
            processes: self.rlimit_processes(namespaces),
        };
        Ok((group, limits))
    }

    fn make(&self) -> io::Result<Group> {
        let name = own_name();
        let mut group = Group {
            folders: Vec::new(),
            counters: Vec::new(),
        };
        for place in &self.places {
            let folder = place.parent.join(&name);
            // Two controllers of one hierarchy share a folder.
            if group.folders.iter().all(|(made, _)| *made != folder) {
                fs::create_dir(&folder)?;
                group.folders.push((folder.clone(), place.home.clone()));
            }
            place.set(&folder, self.asked.of(place.resource))?;
            group.counters.push(place.counter(&folder));
        }
        Ok(group)
    }

    fn address_space(&self) -> u64 {
        match self.is_refused(Resource::Memory) {
            true => self.asked.of(Resource::Memory),
            false => 0,
        }
    }

    fn rlimit_processes(&self, namespaces: bool) -> u64 {
        // Else all processes of the user would count.
        match self.asked.processes {
            _ if !(namespaces && counts_by_namespace()) => 0,
            ProcessLimit::Many => MANY_PROCESSES + OWN_PROCESSES,
            ProcessLimit::AtMost(number) => number + OWN_PROCESSES,
            ProcessLimit::Unlimited => 0,
        }
    }

    fn is_refused(&self, resource: Resource) -> bool {
        self.refused.iter().any(|(refused, _)| *refused == resource)
    }

    /// What the user must know of limits that are not as asked.
    pub(crate) fn warnings(&self, namespaces: bool) -> Vec<Diag> {
        let refused = self.refused.iter().filter_map(|(resource, reason)| {
            let text = match (resource, namespaces) {
                (Resource::Memory, _) => {
                    "sandbox: the memory limit is one for the address space of each process, not \
                     for all of an action"
                }
                // The kernel's other way to count is as good.
                (Resource::Processes, true) if counts_by_namespace() => return None,
                (Resource::Processes, _) => "sandbox: the number of processes is not limited",
            };
            let diag = Diag::environment(text).note(reason);
            let hint = "in a session of systemd: `systemd-run --user --scope kiln ...`";
            Some(diag.hint(hint).into_warning())
        });
        refused.collect()
    }

    /// A limit that was hit, as results tell it.
    pub(crate) fn hit(&self, resource: Resource) -> kiln_process::Limit {
        let limit = match (resource, self.asked.processes) {
            (Resource::Processes, ProcessLimit::Many) => MANY_PROCESSES,
            _ => self.asked.of(resource),
        };
        match resource {
            Resource::Memory => kiln_process::Limit::Memory(limit),
            Resource::Processes => kiln_process::Limit::Processes(limit),
        }
    }
}

impl Limits {
    fn resources(&self) -> impl Iterator<Item = Resource> + use<> {
        let memory = self.memory.map(|_| Resource::Memory);
        let processes = matches!(self.processes, ProcessLimit::AtMost(_));
        let processes = processes.then_some(Resource::Processes);
        memory.into_iter().chain(processes)
    }

    /// Bytes or processes; 0 for no limit.
    fn of(&self, resource: Resource) -> u64 {
        match (resource, self.processes) {
            (Resource::Memory, _) => self.memory.unwrap_or(0),
            (Resource::Processes, ProcessLimit::AtMost(number)) => number,
            (Resource::Processes, _) => 0,
        }
    }
}

/// Whether the kernel counts a user's processes for each user namespace: since Linux 5.14.
fn counts_by_namespace() -> bool {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    matches!(
        (numbers.next(), numbers.next()),
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (5u32, 14u32)
    )
}

/// The group of one worker, removed with this value.
pub(crate) struct Group {
    /// Folders, each with that of this process's own group.
    folders: Vec<(PathBuf, PathBuf)>,
    counters: Vec<Counter>,
}

impl Group {
    /// Which limit was hit since the group was made.
    pub(crate) fn hit(&self) -> Option<Resource> {
        self.counters.iter().find_map(|counter| {
            let text = fs::read_to_string(&counter.path).ok()?;
            counter.is_hit(&text).then_some(counter.resource)
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for (folder, home) in &self.folders {
            // A worker that has yet to notice that it is not needed ends elsewhere. One that is
            // ending just now can be waited for; else the next run removes the group.
            for _ in 0..50 {
                let workers = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
                for pid in workers.lines() {
                    let _ = fs::write(home.join("cgroup.procs"), pid);
                }
                match fs::remove_dir(folder) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    _ => break,
                }
            }
        }
    }
}
