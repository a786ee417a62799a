//! `completion SHELL`: a script that lets a shell complete commands and flags (OPT-064). It is made
//! of the one registry of options, as flags and help are.

use std::io::{self, Write};

use clap_complete::{Shell, generate};
use kiln_diag::Diag;

use crate::command::context::Context;
use crate::command::help::command;
use crate::show::written;

const SHELLS: [(&str, Shell); 3] = [
    ("bash", Shell::Bash),
    ("zsh", Shell::Zsh),
    ("fish", Shell::Fish),
];

/// Prints the script of a shell.
///
/// Errors: no shell, or another one.
pub(crate) fn completion(context: &Context) -> Result<u8, Diag> {
    let words = context.options.patterns();
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    let found = match words[..] {
        [name] => SHELLS.iter().find(|(known, _)| *known == name),
        _ => None,
    };
    let Some((_, shell)) = found else {
        let names = SHELLS.iter().map(|(name, _)| *name);
        return Err(match words[..] {
            [name] => Diag::usage(format!("kiln knows no completion of `{name}`"))
                .did_you_mean(name, names),
            _ => Diag::usage("`kiln completion` needs the name of one shell"),
        }
        .hint("write `kiln completion bash`, `kiln completion zsh` or `kiln completion fish`"));
    };
    let mut script = Vec::new();
    generate(*shell, &mut command(), "kiln", &mut script);
    written(io::stdout().write_all(&script))
}
