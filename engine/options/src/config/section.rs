//! Which section of a configuration file an option stands in, and what its variable is called.
//!
//! Derived from what the registry says, so that a new option has its key and its variable at once.

use crate::registry::OPTIONS;
use crate::spec::Effect;
use crate::{Kind, OptionSpec, Verb, VerbSet};

/// The section of options that have no other.
pub(crate) const GLOBAL: &str = "GLOBAL";
/// The section whose values stand for options of that name in every section (OPT-031).
pub(crate) const DEFAULTS: &str = "DEFAULT";
/// The section of environments; `environments` is the same.
const ENVIRONMENTS: &str = "environments-preview";

/// All sections, as they are written.
pub(crate) const SECTIONS: [&str; 12] = [
    GLOBAL,
    DEFAULTS,
    "cc",
    "python-bootstrap",
    "remote",
    "serve",
    "shell-setup",
    "subprocess-environment",
    "system-binaries",
    "test",
    ENVIRONMENTS,
    "environments",
];

/// Sections whose options begin with the section's name, dashes as underscores (ENV-070, OPT-012).
const PREFIXES: [(&str, &str); 7] = [
    ("cc_", "cc"),
    ("python_bootstrap_", "python-bootstrap"),
    ("remote_", "remote"),
    ("shell_setup_", "shell-setup"),
    ("subprocess_environment_", "subprocess-environment"),
    ("system_binaries_", "system-binaries"),
    ("test_", "test"),
];

impl OptionSpec {
    /// The section and the key of a configuration file that give it a value (OPT-007). `None`:
    /// it says which files are read, or stands for other flags, and so can be in none.
    pub fn key(&self) -> Option<(&'static str, &'static str)> {
        if self.name == "env" {
            return Some((ENVIRONMENTS, "names"));
        }
        if self.effect == Effect::Files || matches!(self.kind, Kind::Expansion(_)) {
            return None;
        }
        if self.verbs == VerbSet::of(&[Verb::Serve]) {
            return Some(("serve", self.name));
        }
        for (prefix, section) in PREFIXES {
            if let Some(key) = self.name.strip_prefix(prefix) {
                return Some((section, key));
            }
        }
        match self.name {
            name if name.starts_with("tls_") || name == "credential_helper" => {
                Some(("remote", name))
            }
            name if self.effect == Effect::Tests => Some(("test", name)),
            name => Some((GLOBAL, name)),
        }
    }

    /// The environment variable that gives it a value (OPT-013).
    pub fn variable(&self) -> Option<String> {
        let (section, key) = self.key()?;
        let name = match section {
            // OPT-013
            GLOBAL if key.starts_with("kiln_") => key.to_owned(),
            GLOBAL => format!("KILN_{key}"),
            section => format!("KILN_{section}_{key}"),
        };
        Some(name.to_ascii_uppercase().replace('-', "_"))
    }
}

/// The option that a key of a section gives a value to.
pub(crate) fn option_of(section: &str, key: &str) -> Option<&'static OptionSpec> {
    let wanted = Some((canonical(section), key));
    OPTIONS.iter().find(|option| option.key() == wanted)
}

/// The section of a name: `environments` is another name.
pub(crate) fn canonical(section: &str) -> &str {
    match section {
        "environments" => ENVIRONMENTS,
        section => section,
    }
}

/// The keys of a section.
pub(crate) fn keys_of(section: &str) -> impl Iterator<Item = &'static str> {
    let section = canonical(section).to_owned();
    let keys = OPTIONS.iter().filter_map(OptionSpec::key);
    keys.filter(move |(of, _)| *of == section)
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// OPT-007, OPT-013: no two options share a key or a variable, and every section is known.
    #[test]
    fn keys_and_variables_are_unique() {
        let (mut keys, mut variables) = (BTreeSet::new(), BTreeSet::new());
        for option in OPTIONS {
            let Some((section, key)) = option.key() else {
                continue;
            };
            assert!(SECTIONS.contains(&section), "{section}");
            assert!(keys.insert((section, key)), "{section}.{key}");
            assert!(option_of(section, key).is_some_and(|o| o.name == option.name));
            let variable = option.variable().unwrap();
            assert!(variables.insert(variable.clone()), "{variable}");
        }
        assert!(option_of("environments", "names").is_some());
        assert!(variables.contains("KILN_TEST_OUTPUT"));
        assert!(variables.contains("KILN_ENVIRONMENTS_PREVIEW_NAMES"));
    }
}
