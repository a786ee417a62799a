//! What `__defaults__` says, as plain data: it goes from one package to those below.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A value for an attribute, as written. Labels in it are texts and mean what they mean in the
/// package of the target that gets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// The attribute's own default.
    None,
    /// `True`, `False`
    Bool(bool),
    /// A number.
    Int(i32),
    /// A text.
    String(Arc<str>),
    /// A list or tuple.
    List(Arc<[DefaultValue]>),
    /// A dictionary, in its order.
    Dict(Arc<[(DefaultValue, DefaultValue)]>),
    /// Values put together, of which some depend on the configuration.
    Select(Arc<[DefaultPart]>),
    /// One target for each (BLD-096).
    Parametrize {
        /// Aliases and values.
        choices: Arc<[(Arc<str>, DefaultValue)]>,
        /// As many of them, from the first, have no alias of their own.
        positional: usize,
    },
}

/// A part of a [`DefaultValue::Select`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultPart {
    /// For a choice: the dictionary of its branches.
    pub value: DefaultValue,
    /// Whether it is one.
    pub is_choice: bool,
    /// What is said when no branch fits.
    pub no_match_error: Option<Arc<str>>,
}

/// Values by attribute.
pub type DefaultFields = BTreeMap<Arc<str>, DefaultValue>;

/// The defaults of a package, which those below inherit (BLD-091).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// For rules that are not in `rules`; attributes that a rule lacks are skipped (BLD-093).
    pub all: DefaultFields,
    /// By the name of the rule.
    pub rules: BTreeMap<Arc<str>, DefaultFields>,
}

impl Defaults {
    /// What holds for a rule.
    pub fn of(&self, rule: &str) -> &DefaultFields {
        self.rules.get(rule).unwrap_or(&self.all)
    }

    /// What one call says: of all rules, and of some besides. It stands instead of what was said
    /// of these rules before, or, to `extend`, over it (BLD-091 … BLD-093).
    pub fn call(
        &mut self,
        all: Option<DefaultFields>,
        rules: BTreeMap<Arc<str>, DefaultFields>,
        extend: bool,
    ) {
        match (&all, extend) {
            (Some(all), false) => {
                self.rules.clear();
                self.all = all.clone();
            }
            (Some(all), true) => {
                for own in self.rules.values_mut().chain([&mut self.all]) {
                    own.extend(all.clone());
                }
            }
            (None, _) => {}
        }
        for (rule, fields) in rules {
            let mut own = match extend {
                true => self.of(&rule).clone(),
                // What the same call says of all rules holds for this one too.
                false => all.clone().unwrap_or_default(),
            };
            own.extend(fields);
            self.rules.insert(rule, own);
        }
    }
}
