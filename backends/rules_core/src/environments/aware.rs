//! Options that environments may have values of their own for (ENV-070 … ENV-077): a field that is
//! given replaces the option's value for all that runs there, an empty list too; nothing is merged.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Such an option. Its name is that of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Aware {
    /// Where programs are looked for, and what `PATH` actions have.
    SystemBinaries,
    /// Variables of actions and tests.
    Variables,
    /// Variables of tests.
    TestVariables,
    /// Where compilers are looked for.
    Cc,
    /// Where the Python interpreter is looked for.
    Python,
    /// Where the shell is looked for.
    Shell,
}

impl Aware {
    /// All of them.
    pub const ALL: [Aware; 6] = [
        Aware::SystemBinaries,
        Aware::Variables,
        Aware::TestVariables,
        Aware::Cc,
        Aware::Python,
        Aware::Shell,
    ];

    /// The name of the option, and of the field.
    pub fn name(self) -> &'static str {
        match self {
            Aware::SystemBinaries => "system_binaries_system_binary_paths",
            Aware::Variables => "subprocess_environment_env_vars",
            Aware::TestVariables => "test_extra_env_vars",
            Aware::Cc => "cc_executable_search_paths",
            Aware::Python => "python_bootstrap_search_path",
            Aware::Shell => "shell_setup_executable_search_paths",
        }
    }

    /// The option of that name.
    pub fn named(name: &str) -> Option<Aware> {
        Aware::ALL.into_iter().find(|aware| aware.name() == name)
    }

    /// What is wrong with an element of its value; `None` if nothing is.
    pub(super) fn mistake(self, text: &str) -> Option<&'static str> {
        match self {
            Aware::Variables | Aware::TestVariables => {
                let name = text.split('=').next().unwrap_or_default();
                let bad = name.is_empty() || name.contains(char::is_whitespace);
                bad.then_some("no `NAME=VALUE` and no `NAME`")
            }
            _ => {
                let folder = text.starts_with('/') && !text.contains(':');
                (!folder && text != PATH).then_some("no absolute path and not `<PATH>`")
            }
        }
    }
}

/// In a search path, the folders of the environment's own `PATH` (ENV-077).
pub(crate) const PATH: &str = "<PATH>";

/// Values of such options, of those that are given.
pub type AwareValues = BTreeMap<Aware, Arc<[Arc<str>]>>;
