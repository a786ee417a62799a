//! Command lines, and the param files that go with them.

use kiln_diag::Diag;
use kiln_store::Store;
use kiln_targets::{ActionTemplate, ArgList, Artifact};
use kiln_tree::{Node, Tree, TreeBuilder};

use crate::arguments::{Expanded, expand, param_file_text};
use crate::artifacts::add;

/// The longest command line that is not moved into param files, in bytes.
const MAX_COMMAND_LINE: usize = 128 * 1024;

/// The command line, and the param files that go with it.
pub(crate) fn command_line(
    store: &Store,
    template: &ActionTemplate,
    lists: &[ArgList],
    inputs: &Tree,
    shell: &str,
) -> Result<(Vec<String>, Tree), Diag> {
    let expanded: Vec<Expanded> = lists
        .iter()
        .map(|list| expand(list, inputs, shell))
        .collect();
    let length: usize = expanded
        .iter()
        .flat_map(|list| &list.texts)
        .map(|t| t.len() + 1)
        .sum();
    let mut argv = Vec::new();
    let mut files = TreeBuilder::new();
    for (at, (list, expanded)) in lists.iter().zip(expanded).enumerate() {
        let wanted = list.param_file.as_ref();
        let wanted = wanted.filter(|file| file.always || length > MAX_COMMAND_LINE);
        let Some(file) = wanted else {
            argv.extend(expanded.texts);
            continue;
        };
        let base = template
            .outputs
            .first()
            .map_or("action", Artifact::exec_path);
        let path = format!("{base}-{at}.params");
        let (text, flags) = match file.format {
            kiln_targets::ParamFileFormat::FlagPerLine => {
                let (flags, others): (Vec<_>, Vec<_>) = expanded
                    .texts
                    .into_iter()
                    .partition(|text| text.starts_with("--"));
                (param_file_text(&flags, file.format), others)
            }
            format => (param_file_text(&expanded.texts, format), Vec::new()),
        };
        let digest = store.put_bytes(text.as_bytes())?;
        add(
            &mut files,
            &path,
            Node::File {
                digest,
                executable: false,
            },
        )?;
        argv.push(file.argument.replacen("%s", &path, 1));
        argv.extend(flags);
    }
    Ok((argv, files.build()))
}
