//! Where a process runs.

use std::fmt;
use std::sync::Arc;

/// The machines that environments are for (ENV-002).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Platform {
    /// Linux on 64-bit ARM.
    LinuxArm64,
    /// Linux on x86_64.
    LinuxX86_64,
    /// macOS on 64-bit ARM.
    MacosArm64,
    /// macOS on x86_64.
    MacosX86_64,
}

impl Platform {
    /// All of them, in the order of their names.
    pub const ALL: [Platform; 4] = [
        Platform::LinuxArm64,
        Platform::LinuxX86_64,
        Platform::MacosArm64,
        Platform::MacosX86_64,
    ];

    /// The one that this program was built for; `None` on any other machine.
    pub fn host() -> Option<Platform> {
        match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "aarch64") => Some(Platform::LinuxArm64),
            ("linux", "x86_64") => Some(Platform::LinuxX86_64),
            ("macos", "aarch64") => Some(Platform::MacosArm64),
            ("macos", "x86_64") => Some(Platform::MacosX86_64),
            _ => None,
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Platform> {
        Platform::ALL
            .into_iter()
            .find(|platform| platform.name() == name)
    }

    /// As BUILD files write it: `linux_x86_64`.
    pub fn name(self) -> &'static str {
        match self {
            Platform::LinuxArm64 => "linux_arm64",
            Platform::LinuxX86_64 => "linux_x86_64",
            Platform::MacosArm64 => "macos_arm64",
            Platform::MacosX86_64 => "macos_x86_64",
        }
    }

    /// Whether it is a Linux, the only system of containers and remote workers (ENV-006, ENV-008).
    pub fn is_linux(self) -> bool {
        matches!(self, Platform::LinuxArm64 | Platform::LinuxX86_64)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a process runs: what remains of an environment target once it is chosen (ENV-001).
/// Its identity is part of the key by [`crate::Process::environment`]; this says whom to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Environment {
    /// A sandbox on this machine.
    #[default]
    Local,
    /// The workspace itself, on this machine.
    Workspace,
    /// A container.
    Docker(DockerEnvironment),
    /// A worker of a remote execution server.
    Remote(RemoteEnvironment),
}

/// A `docker_environment`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DockerEnvironment {
    /// What the image is made for; a Linux.
    pub platform: Platform,
    /// The image: a name with or without a tag, a name with a digest, or an id.
    pub image: Arc<str>,
}

/// A `remote_environment`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemoteEnvironment {
    /// What the workers are; a Linux.
    pub platform: Platform,
    /// Platform properties, in the order given.
    pub properties: Arc<[(Arc<str>, Arc<str>)]>,
}
