//! How types, rules and needs are called in messages.

use kiln_diag::Span;

use crate::problem::{Key, Problem, ShapeBody, ShapeId, Ty};
use crate::rule_set::Rule;
use crate::set::Set;

/// Names things of a problem.
#[derive(Clone, Copy)]
pub(super) struct Words<'w>(pub(super) &'w Problem<'w>);

impl<'w> Words<'w> {
    /// A type in backticks.
    pub(super) fn ty(self, ty: Ty) -> String {
        format!("`{}`", self.0.name(ty))
    }

    /// The types by name: "`A`, `B` and `C`"; of many the first few.
    pub(super) fn types(self, set: &Set) -> String {
        const SHOWN: usize = 8;
        let mut names: Vec<&str> = set.iter().map(|ty| self.0.name(ty)).collect();
        names.sort();
        let shown = names.iter().take(SHOWN);
        let mut quoted: Vec<String> = shown.map(|name| format!("`{name}`")).collect();
        if names.len() > SHOWN {
            quoted.push(format!("{} more", names.len() - SHOWN));
        }
        list(&quoted)
    }

    /// The rule of a shape.
    pub(super) fn rule(self, shape: ShapeId) -> Option<&'w Rule> {
        match self.0.shapes[shape].body {
            ShapeBody::Rule { rule, .. } => Some(self.0.rules.rule(rule)),
            ShapeBody::Reentry { .. } => None,
        }
    }

    /// "`rule`".
    pub(super) fn shape_name(self, shape: ShapeId) -> String {
        match self.0.shapes[shape].body {
            ShapeBody::Rule { rule, .. } => format!("`{}`", self.0.rules.rule(rule).name),
            ShapeBody::Reentry { ask } => {
                let ask = &self.0.asks[ask];
                let output = self.ty(ask.output);
                format!(
                    "the restricted Get of {output} ({})",
                    self.types(&ask.params)
                )
            }
        }
    }

    /// "`rule` (file:line)".
    pub(super) fn shape(self, shape: ShapeId) -> String {
        let name = self.shape_name(shape);
        match self.span(shape) {
            Some(span) => format!("{name} ({}:{})", span.file, span.line),
            None => name,
        }
    }

    /// Where the rule of a shape is declared.
    pub(super) fn span(self, shape: ShapeId) -> Option<Span> {
        self.rule(shape)?.span()
    }

    /// Where the Get of a key is; the rule itself for an input.
    pub(super) fn key_span(self, shape: ShapeId, key: &Key) -> Option<Span> {
        let mut span = self.span(shape)?;
        if key.line > 0 {
            span.line = key.line;
        }
        Some(span)
    }

    /// "`Output`", or "`Output` from `A` and `B`".
    pub(super) fn need(self, key: &Key) -> String {
        let output = self.ty(key.need.output);
        if key.need.provides.is_empty() {
            return output;
        }
        format!("{output} from {}", self.types(&key.need.provides))
    }

    /// "the query for `Output` from `A`".
    pub(super) fn ask(self, ask: usize) -> String {
        let declared = ask < self.0.declared;
        let ask = &self.0.asks[ask];
        let what = if declared {
            "the query"
        } else {
            "the restricted Get"
        };
        let output = self.ty(ask.output);
        if ask.params.is_empty() {
            return format!("{what} for {output} from no params");
        }
        format!("{what} for {output} from {}", self.types(&ask.params))
    }

    /// What a `get!` is given: "A", "(A, B)".
    pub(super) fn arguments(self, set: &Set) -> String {
        let mut names: Vec<&str> = set.iter().map(|ty| self.0.name(ty)).collect();
        names.sort();
        match &names[..] {
            [only] => (*only).to_owned(),
            several => format!("({})", several.join(", ")),
        }
    }

    /// "lives on `A` and `B`".
    pub(super) fn lives_on(self, live: &Set) -> String {
        if live.is_empty() {
            return "lives on no params".to_owned();
        }
        format!("lives on {}", self.types(live))
    }
}

/// "a", "a and b", "a, b and c".
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
