//! What the kernel says in files of text: `/proc` and control groups.

use std::path::{Path, PathBuf};

/// A mounted file system, as a line of `/proc/self/mountinfo` describes it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// The folder of the file system that is seen at `at`.
    pub(crate) root: PathBuf,
    /// Where it is mounted.
    pub(crate) at: PathBuf,
    /// Its type, such as `ext4`.
    pub(crate) kind: String,
    /// Options of the file system, which for control groups name the controllers.
    pub(crate) options: String,
}

/// The mounts in `/proc/self/mountinfo`, in its order; lines that are not as proc(5) says are
/// passed over.
pub(crate) fn mounts(mountinfo: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let mut right = right.split(' ');
        Some(Mount {
            root: unescaped(left.next()?),
            at: unescaped(left.next()?),
            kind: right.next()?.to_owned(),
            options: right.nth(1)?.to_owned(),
        })
    };
    mountinfo.lines().filter_map(mount).collect()
}

/// Blanks and such are written as `\040` there.
fn unescaped(text: &str) -> PathBuf {
    let mut parts = text.split('\\');
    let mut path = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part
            .get(..3)
            .and_then(|code| u8::from_str_radix(code, 8).ok())
        {
            Some(code) => path = path + &char::from(code).to_string() + &part[3..],
            None => path = path + "\\" + part,
        }
    }
    PathBuf::from(path)
}

/// The type of the file system that a path without links is on.
pub(crate) fn file_system<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a str> {
    // Of two mounts at one place the later one is seen.
    let over = mounts.iter().filter(|mount| path.starts_with(&mount.at));
    let nearest = over.max_by_key(|mount| mount.at.components().count());
    nearest.map(|mount| &*mount.kind)
}

/// The folder of the control group that this process is in: of the hierarchy of version 1 with a
/// controller, or of version 2 if there is no name.
pub(crate) fn own_group(
    cgroup: &str,
    mounts: &[Mount],
    controller: Option<&str>,
) -> Option<PathBuf> {
    let has = |list: &str| list.split(',').any(|name| Some(name) == controller);
    let line = cgroup.lines().find_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let wanted = match controller {
            Some(_) => has(controllers),
            None => number == "0" && controllers.is_empty(),
        };
        wanted.then_some(path)
    })?;
    let mount = mounts.iter().find(|mount| match controller {
        Some(_) => mount.kind == "cgroup" && has(&mount.options),
        None => mount.kind == "cgroup2",
    })?;
    // In a container the mount may show only a part of the hierarchy.
    let below = Path::new(line)
        .strip_prefix(&mount.root)
        .unwrap_or(Path::new(""));
    Some(mount.at.join(below))
}

/// Microseconds of processor time in a `cpu.stat` of version 2.
pub(crate) fn cpu_stat(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("usage_usec "));
    line?.trim().parse().ok()
}

/// Process ids in a `cgroup.procs`. Processes of other namespaces are shown as 0.
pub(crate) fn process_ids(text: &str) -> impl Iterator<Item = u32> {
    text.lines()
        .filter_map(|line| line.parse().ok())
        .filter(|id| *id != 0)
}

/// What a `/proc/PID/status` says of memory, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The process that started it.
    pub(crate) parent: u32,
    /// The most that was resident at a time.
    pub(crate) peak_kib: u64,
    /// What is resident now and belongs to no file.
    pub(crate) anonymous_kib: u64,
}

impl Memory {
    /// Reads it; a process that is ending has none.
    pub(crate) fn read(status: &str) -> Option<Memory> {
        let kib = |name| field(status, name)?.strip_suffix(" kB")?.parse().ok();
        Some(Memory {
            parent: field(status, "PPid")?.parse().ok()?,
            peak_kib: kib("VmHWM")?,
            anonymous_kib: kib("RssAnon")?,
        })
    }
}

/// A field of lines such as `name : value`.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    const MOUNTINFO: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
25 22 0:22 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw,mode=755
30 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct
31 25 0:28 /docker/ab /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
32 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
40 22 0:40 / /mnt/a\\040b rw - tmpfs tmpfs rw
a line that is something else
";

    #[test]
    fn mounts_are_read() {
        let mounts = mounts(MOUNTINFO);
        let lines = mounts.iter().map(|mount| {
            let Mount {
                root,
                at,
                kind,
                options,
            } = mount;
            format!(
                "{} at {}: {kind} ({options})\n",
                root.display(),
                at.display()
            )
        });
        expect![[r#"
            / at /: ext4 (rw,discard)
            / at /sys/fs/cgroup: tmpfs (rw,mode=755)
            / at /sys/fs/cgroup/cpu,cpuacct: cgroup (rw,cpu,cpuacct)
            /docker/ab at /sys/fs/cgroup/pids: cgroup (rw,pids)
            / at /sys/fs/cgroup/unified: cgroup2 (rw,nsdelegate)
            / at /mnt/a b: tmpfs (rw)
        "#]]
        .assert_eq(&lines.collect::<String>());
        let kind = |path: &str| file_system(&mounts, Path::new(path));
        assert_eq!(kind("/mnt/a b/c"), Some("tmpfs"));
        assert_eq!(kind("/mnt/a"), Some("ext4"));
        assert_eq!(file_system(&[], Path::new("/")), None);
    }

    #[test]
    fn the_own_group_is_found_in_each_version() {
        let mounts = mounts(MOUNTINFO);
        let groups = "5:pids:/docker/ab/deep\n3:cpu,cpuacct:/user/one\n0::/session\n";
        let group = |controller| {
            own_group(groups, &mounts, controller).map(|path| path.display().to_string())
        };
        expect![[r#"
            [
                Some(
                    "/sys/fs/cgroup/cpu,cpuacct/user/one",
                ),
                Some(
                    "/sys/fs/cgroup/pids/deep",
                ),
                Some(
                    "/sys/fs/cgroup/unified/session",
                ),
                None,
            ]"#]]
        .assert_eq(&format!(
            "{:#?}",
            [
                group(Some("cpuacct")),
                group(Some("pids")),
                group(None),
                group(Some("memory"))
            ]
        ));
        assert_eq!(own_group("", &mounts, None), None);
        assert_eq!(own_group(groups, &[], None), None);
    }

    #[test]
    fn numbers_are_read_or_missing() {
        let stat = "usage_usec 123456\nuser_usec 100000\nsystem_usec 23456\n";
        assert_eq!(cpu_stat(stat), Some(123_456));
        assert_eq!(cpu_stat("usage_usec many\n"), None);
        assert_eq!(cpu_stat(""), None);
        assert_eq!(process_ids("12\n0\n345\n").collect::<Vec<_>>(), [12, 345]);
        let status = "Name:\tkiln\nPPid:\t7\nVmHWM:\t    8124 kB\nRssAnon:\t     900 kB\n";
        let memory = Memory {
            parent: 7,
            peak_kib: 8124,
            anonymous_kib: 900,
        };
        assert_eq!(Memory::read(status), Some(memory));
        assert_eq!(
            Memory::read("Name:\tkiln\nState:\tZ (zombie)\nPPid:\t7\n"),
            None
        );
        assert_eq!(
            field("model name\t: A B: C\n", "model name"),
            Some("A B: C")
        );
    }
}
