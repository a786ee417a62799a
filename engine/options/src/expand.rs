//! `--config`: a name stands for the lines `command:NAME` of the rc files, at its place.

use kiln_diag::Diag;

use crate::args::{Item, Place, parse};
use crate::origin::{Given, Origin};
use crate::rc::Sections;
use crate::{Value, Verb};

/// Replaces every `--config` in `items` by what it stands for, and takes in the configuration of
/// the operating system where `--enable_platform_specific_config` was last given, if it is on.
///
/// Errors: a config that no rc file defines, one that contains itself, a wrong flag in one.
pub(crate) fn expand(
    items: Vec<Item>,
    verb: Verb,
    sections: &Sections,
    os: &str,
) -> Result<Vec<Item>, Diag> {
    let mut expander = Expander {
        verb,
        sections,
        open: Vec::new(),
        items: Vec::new(),
    };
    expander.all(items)?;
    let mut items = std::mem::take(&mut expander.items);
    let last = items.iter().rposition(is_platform_flag);
    if let Some(at) = last
        && let Item::Given(Given {
            value: Value::Flag(true),
            ..
        }) = &items[at]
    {
        expander.config(os, None)?;
        items.splice(at + 1..at + 1, expander.items);
    }
    Ok(items)
}

fn is_platform_flag(item: &Item) -> bool {
    matches!(item, Item::Given(given) if given.option.name == "enable_platform_specific_config")
}

struct Expander<'a> {
    verb: Verb,
    sections: &'a Sections,
    /// The configs being expanded, outermost first.
    open: Vec<String>,
    items: Vec<Item>,
}

impl Expander<'_> {
    fn all(&mut self, items: Vec<Item>) -> Result<(), Diag> {
        for item in items {
            match &item {
                Item::Given(Given {
                    option,
                    value: Value::Text(name),
                    origin,
                }) if option.name == "config" => {
                    let (name, origin) = (name.clone(), origin.clone());
                    self.items.push(item);
                    self.config(&name, Some(&origin))?;
                }
                _ => self.items.push(item),
            }
        }
        Ok(())
    }

    /// `origin` is where it was asked for; without, it need not be there.
    fn config(&mut self, name: &str, origin: Option<&Origin>) -> Result<(), Diag> {
        if let Some(first) = self.open.iter().position(|open| open == name) {
            let chain: Vec<String> = self.open[first..]
                .iter()
                .map(String::as_str)
                .chain([name])
                .map(|config| format!("`{config}`"))
                .collect();
            let diag =
                Diag::usage(format!("config `{name}` contains itself")).note(chain.join(" -> "));
            return Err(origin.map_or(diag.clone(), |origin| origin.on(diag)));
        }
        self.open.push(name.to_owned());
        let mut found = false;
        for command in self.verb.rc_commands() {
            let words = self.sections.of(&format!("{command}:{name}"));
            found |= !words.is_empty();
            let place = Place::Rc {
                verb: self.verb,
                common: *command == "common",
            };
            self.all(parse(words, place)?)?;
        }
        self.open.pop();
        match origin {
            Some(origin) if !found && !self.is_elsewhere(name) => Err(self.undefined(name, origin)),
            _ => Ok(()),
        }
    }

    /// Whether a config is there, if only for other commands: then it means nothing here.
    fn is_elsewhere(&self, name: &str) -> bool {
        self.sections.configs().any(|config| config == name)
    }

    fn undefined(&self, name: &str, origin: &Origin) -> Diag {
        let diag = Diag::usage(format!("no rc file defines the config `{name}`"))
            .did_you_mean(name, self.sections.configs())
            .hint(format!(
                "define it in `.bazelrc` by lines such as `build:{name} --copt=-O2`"
            ));
        origin.on(diag)
    }
}
