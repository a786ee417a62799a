//! Where it was measured.

use std::fs;
use std::path::Path;

use crate::proc;

/// The machine, as far as figures depend on it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// How many processors there are.
    pub processors: usize,
    /// What they are called.
    pub model: String,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// The release of the kernel.
    pub kernel: String,
    /// The type of the file system of the folder to work in.
    pub file_system: String,
}

impl Machine {
    /// This machine, and the file system of a folder.
    pub(crate) fn here(work: &Path) -> Machine {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let unknown = || "unknown".to_owned();
        let memory = read("/proc/meminfo");
        let memory = proc::field(&memory, "MemTotal").and_then(|text| text.strip_suffix(" kB"));
        let work = work.canonicalize().unwrap_or_else(|_| work.to_owned());
        let mounts = proc::mounts(&read("/proc/self/mountinfo"));
        Machine {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            model: proc::field(&read("/proc/cpuinfo"), "model name")
                .map_or_else(unknown, str::to_owned),
            memory_mib: memory.and_then(|text| text.parse().ok()).unwrap_or(0) / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            file_system: proc::file_system(&mounts, &work).map_or_else(unknown, str::to_owned),
        }
    }
}

/// The load averages, as the kernel writes them.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
