//! Tools found on the machine that runs actions. Detection is a typed rule; what it finds is
//! plain data that the prelude's rules read (`ctx.machine_tools`, prelude only).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Which tools a rule's implementation reads. What it does not ask for is not looked for on its
/// behalf, and is no part of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct ToolKinds {
    /// [`MachineTools::cc`]
    pub cc: bool,
    /// [`MachineTools::python`]
    pub python: bool,
    /// [`MachineTools::shell`]
    pub shell: bool,
}

impl ToolKinds {
    /// Whether there are any.
    pub fn any(self) -> bool {
        self.cc || self.python || self.shell
    }
}

/// The tools found, of the kinds that were asked for; the shell whatever was.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct MachineTools {
    /// The C and C++ compiler, if there is one.
    pub cc: Option<CcTools>,
    /// The Python interpreter, if there is one.
    pub python: Option<PythonTools>,
    /// The shell.
    pub shell: ShellTools,
}

/// A C and C++ compiler with its companions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CcTools {
    /// `gcc` or `clang`: the value of `@bazel_tools//tools/cpp:compiler`.
    pub compiler: Arc<str>,
    /// Absolute path of the C compiler driver.
    pub cc: Arc<str>,
    /// Absolute path of the C++ compiler driver.
    pub cxx: Arc<str>,
    /// Absolute path of the archiver.
    pub ar: Arc<str>,
    /// Absolute path of `strip`, if there is one.
    pub strip: Option<Arc<str>>,
    /// Absolute path of `objcopy`, if there is one.
    pub objcopy: Option<Arc<str>>,
    /// First line of `--version`.
    pub version: Arc<str>,
    /// The target triple (`x86_64-linux-gnu`).
    pub target: Arc<str>,
    /// The folders of the compiler's own headers, absolute.
    pub include_dirs: Vec<Arc<str>>,
    /// Optional flags that this compiler takes (`-fno-canonical-system-headers`, …).
    pub supported_flags: Vec<Arc<str>>,
    /// Whether the linker is, or may be, `gold` or `lld`: the `-fuse-ld` value, if any.
    pub linker: Option<Arc<str>>,
    /// Identity of the files found.
    pub fingerprint: Arc<str>,
}

/// A Python interpreter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PythonTools {
    /// Absolute path.
    pub interpreter: Arc<str>,
    /// `3.11.2`
    pub version: Arc<str>,
    /// Identity of the file found.
    pub fingerprint: Arc<str>,
}

/// The shell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ShellTools {
    /// Absolute path of bash.
    pub bash: Arc<str>,
}

impl Default for ShellTools {
    fn default() -> Self {
        ShellTools {
            bash: Arc::from("/bin/bash"),
        }
    }
}
