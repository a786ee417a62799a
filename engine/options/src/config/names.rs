//! Which configuration files are read (OPT-002, OPT-003, OPT-006).

use std::path::Path;

use kiln_diag::Diag;

use super::literal::{self, Edit};
use super::{DEFAULT_FILE, FILES_VARIABLE};
use crate::Request;

/// A file of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    /// Who named it; `None` for the one that need not be there.
    by: Option<String>,
}

impl Named {
    /// What it means that it is not there.
    pub(super) fn missing(&self, root: &Path) -> Result<(), Diag> {
        let Some(by) = &self.by else {
            return Ok(());
        };
        Err(Diag::usage(format!("there is no file `{}`", self.name))
            .note(format!(
                "`{by}` names it; names are relative to {}",
                root.display()
            ))
            .hint(format!("make it, or change `{by}`")))
    }
}

/// The files in order: the variable edits the list, then flags do.
pub(super) fn files(request: &Request<'_>, flags: &[&str]) -> Result<Vec<Named>, Diag> {
    let mut named = vec![Named {
        name: DEFAULT_FILE.to_owned(),
        by: None,
    }];
    if let Some(text) = request.variables.get(FILES_VARIABLE) {
        edit(&mut named, text, FILES_VARIABLE)?;
    }
    for text in flags {
        edit(&mut named, text, "--kiln_config_files")?;
    }
    Ok(named)
}

fn edit(named: &mut Vec<Named>, text: &str, by: &str) -> Result<(), Diag> {
    let edits = literal::edits(text.trim(), false).map_err(|mistake| {
        Diag::usage(format!(
            "no list for `{by}`: expected {} at character {}",
            mistake.expected, mistake.column
        ))
        .note(format!("in `{text}`"))
    })?;
    let of = |name: &str| Named {
        name: name.to_owned(),
        by: Some(by.to_owned()),
    };
    for edit in edits {
        match edit {
            Edit::Replace(names) => *named = names.iter().map(|name| of(name)).collect(),
            // Without brackets it may be several, with commas.
            Edit::Add(names) => {
                let names = names.iter().flat_map(|name| name.split(',')).map(str::trim);
                named.extend(names.filter(|name| !name.is_empty()).map(of));
            }
            Edit::Remove(names) => named.retain(|one| !names.contains(&one.name)),
        }
    }
    Ok(())
}
