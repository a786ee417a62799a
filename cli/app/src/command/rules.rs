//! `rules`: the solved rule graph of this binary.

use std::io::Write;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_rule_graph::{explain, to_dot, to_json};

use crate::command::context::Context;
use crate::command::run::Outcome;
use crate::show::written;

/// For everything that is not a graph.
pub(crate) fn no_dot() -> Diag {
    Diag::usage("only `kiln rules graph` has the format `dot`")
        .hint("leave `--format` out, or use `--format=json`")
}

/// Runs `rules explain TYPE` or `rules graph`.
pub(crate) async fn rules(context: &Context) -> Result<Outcome, Vec<Diag>> {
    let one = |error: Diag| vec![error];
    let made = context.engine(Arc::new(()))?;
    let (set, graph) = (made.engine.rule_set(), made.engine.rule_graph());
    let words: Vec<&str> = context
        .options
        .patterns()
        .iter()
        .map(|word| &**word)
        .collect();
    let text = match words[..] {
        ["graph"] if context.options.format() == "json" => to_json(set, graph),
        ["graph"] => to_dot(set, graph),
        _ if context.options.format() == "dot" => return Err(one(no_dot())),
        ["explain", name] => {
            let names: Vec<&str> = set.types().map(|ty| set.type_name(ty)).collect();
            let found = set.find_type(name).and_then(|ty| explain(set, graph, ty));
            found.ok_or_else(|| {
                one(
                    Diag::usage(format!("no rule that commands use makes a `{name}`"))
                        .did_you_mean(name, names.iter().copied())
                        .hint("`kiln rules graph` shows all rules and their types"),
                )
            })?
        }
        ["explain"] => {
            return Err(one(Diag::usage("`kiln rules explain` needs a type")
                .hint("for example `kiln rules explain GoalReport`")));
        }
        _ => {
            return Err(one(Diag::usage(format!(
                "`kiln rules` has no command `{}`",
                words.join(" ")
            ))
            .hint("`kiln rules explain TYPE` and `kiln rules graph` are there")));
        }
    };
    written(writeln!(std::io::stdout(), "{}", text.trim_end())).map_err(one)?;
    Ok(Outcome::Exit(0))
}
