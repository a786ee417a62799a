//! Symbolic arguments turned into texts.

use std::collections::HashSet;
use std::sync::Arc;

use kiln_base::RelPath;
use kiln_targets::{Arg, ArgList, ArgSet, Artifact, ArtifactKind, ParamFileFormat};
use kiln_tree::{Node, Tree};

/// Arguments as texts.
pub(crate) struct Expanded {
    pub(crate) texts: Vec<String>,
    pub(crate) format: ParamFileFormat,
}

/// Expands arguments. `inputs` is the tree of the action's inputs, in which folders are listed.
/// `shell` is that of wherever they are read.
pub(crate) fn expand(list: &ArgList, inputs: &Tree, shell: &str) -> Expanded {
    let mut texts = Vec::new();
    for item in &list.items {
        match item {
            Arg::Text(text) => texts.push(text.to_string()),
            Arg::Shell => texts.push(shell.to_owned()),
            Arg::Path(artifact, format) => {
                texts.push(formatted(format.as_ref(), artifact.exec_path()));
            }
            Arg::Set(set) => expand_set(set, inputs, &mut texts),
        }
    }
    let format = list
        .param_file
        .as_ref()
        .map(|file| file.format)
        .unwrap_or_default();
    Expanded { texts, format }
}

fn formatted(format: Option<&Arc<str>>, text: &str) -> String {
    match format {
        Some(format) => format.replacen("%s", text, 1).replace("%%", "%"),
        None => text.to_owned(),
    }
}

fn expand_set(set: &ArgSet, inputs: &Tree, texts: &mut Vec<String>) {
    let mut members = Vec::new();
    for artifact in set.members.to_list() {
        members_of(&artifact, set.expand_directories, inputs, &mut members);
    }
    if set.uniquify {
        let mut seen = HashSet::new();
        members.retain(|member| seen.insert(member.clone()));
    }
    if members.is_empty() && (set.omit_if_empty || set.join_with.is_none()) {
        return;
    }
    texts.extend(set.name.as_ref().map(ToString::to_string));
    let each = members
        .iter()
        .map(|member| formatted(set.format_each.as_ref(), member));
    match &set.join_with {
        Some(separator) => {
            let joined = each.collect::<Vec<String>>().join(separator);
            texts.push(formatted(set.format_joined.as_ref(), &joined));
        }
        None => {
            for text in each {
                texts.extend(set.before_each.as_ref().map(ToString::to_string));
                texts.push(text);
            }
        }
    }
    texts.extend(set.terminate_with.as_ref().map(ToString::to_string));
}

/// The artifact itself, or the files of a folder.
fn members_of(artifact: &Artifact, expand: bool, inputs: &Tree, members: &mut Vec<String>) {
    let path = artifact.exec_path();
    if expand
        && artifact.kind() == ArtifactKind::Directory
        && let Ok(at) = RelPath::new(path)
        && let Some(Node::Dir(tree)) = inputs.get(&at)
    {
        tree.walk(false, &mut |below, node| {
            if !matches!(node, Node::Dir(_)) {
                members.push(format!("{path}/{below}"));
            }
        });
        return;
    }
    members.push(path.to_owned());
}

/// The text of a file of arguments.
pub(crate) fn param_file_text(texts: &[String], format: ParamFileFormat) -> String {
    let mut out = String::new();
    for text in texts {
        match format {
            ParamFileFormat::Shell => out.push_str(&shell_quoted(text)),
            ParamFileFormat::Multiline => out.push_str(text),
            ParamFileFormat::FlagPerLine => out.push_str(text),
        }
        out.push('\n');
    }
    out
}

/// The text as one word of a shell.
pub(crate) fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%-_+:,./=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        assert_eq!(shell_quoted("a/b.c"), "a/b.c");
        assert_eq!(shell_quoted(""), "''");
        assert_eq!(shell_quoted("a b"), "'a b'");
        assert_eq!(shell_quoted("it's"), "'it'\\''s'");
    }
}
