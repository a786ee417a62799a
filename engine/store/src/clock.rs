//! Wall-clock time in the two units that the store writes down, and when this machine started.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970; 0 when the clock stands before that.
pub(crate) fn seconds() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

/// Hours since 1970: the grain in which uses of a blob are remembered.
pub(crate) fn hours() -> u32 {
    hours_of(seconds())
}

/// The hour that a second belongs to.
pub(crate) fn hours_of(seconds: i64) -> u32 {
    u32::try_from(seconds / 3600).unwrap_or(0)
}

/// An identity of the present run of the kernel. Empty where the system has none to give.
pub(crate) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// The second at which the kernel started.
pub(crate) fn boot_second() -> i64 {
    seconds() - rustix::system::sysinfo().uptime as i64
}
