//! Ambiguities, reported where the rivals part and not at the query above (RG-045).

use std::collections::HashSet;

use kiln_diag::Diag;

use super::words::Words;
use crate::choose::{Choice, NodeId, Pick, Place};
use crate::combine::Source;
use crate::error::{ErrorKind, SolveError};
use crate::problem::{Problem, ShapeId};

/// One error for each tie that is not the consequence of one further down.
pub(super) fn errors(problem: &Problem<'_>, choice: &Choice) -> Vec<SolveError> {
    let ties = Ties {
        words: Words(problem),
        problem,
        choice,
    };
    choice
        .ties
        .iter()
        .flat_map(|tie| {
            let picks: Vec<Pick> = tie.rivals.iter().map(|(_, pick)| *pick).collect();
            match ties.part(&picks) {
                Parted::Here => Some(ties.tie(tie.place, &tie.rivals)),
                Parted::At(shape, key, picks) => Some(ties.parted(shape, key, &picks)),
                Parted::Reported => None,
            }
        })
        .collect()
}

struct Ties<'t> {
    words: Words<'t>,
    problem: &'t Problem<'t>,
    choice: &'t Choice,
}

/// Where rivals become different rules.
enum Parted {
    /// They are different rules, or they differ in nothing that could be named instead.
    Here,
    /// They are copies of a rule, and differ in what answers its key.
    At(ShapeId, usize, Vec<Pick>),
    /// They are copies of a rule that differ by ties below, which are reported themselves.
    Reported,
}

impl Ties<'_> {
    /// Follows rivals that are copies of one rule down to where they are no copies any more.
    fn part(&self, rivals: &[Pick]) -> Parted {
        let mut seen = HashSet::new();
        let mut rivals = rivals.to_vec();
        let mut parted = Parted::Here;
        while let Some(nodes) = self.copies(&rivals) {
            if !seen.insert(rivals) {
                break;
            }
            let shape = self.choice.nodes[nodes[0]].shape;
            match self.parting_key(shape, &nodes, &seen) {
                Some((key, picks)) => {
                    rivals = picks.clone();
                    parted = Parted::At(shape, key, picks);
                }
                // They differ by ties below, if at all.
                None if nodes.iter().any(|node| self.is_unresolved(*node)) => {
                    return Parted::Reported;
                }
                None => break,
            }
        }
        parted
    }

    /// The first key for which the nodes have different sources, of those that lead on to
    /// something new if possible.
    fn parting_key(
        &self,
        shape: ShapeId,
        nodes: &[NodeId],
        seen: &HashSet<Vec<Pick>>,
    ) -> Option<(usize, Vec<Pick>)> {
        let mut circular = None;
        for key in 0..self.problem.shapes[shape].keys.len() {
            let picks = nodes
                .iter()
                .map(|node| self.choice.nodes[*node].picks.get(key));
            let picks: Option<Vec<Pick>> = picks.map(|pick| pick.copied().flatten()).collect();
            let Some(mut picks) = picks else { continue };
            picks.dedup();
            if picks.len() > 1 && seen.contains(&picks) {
                circular.get_or_insert((key, picks));
            } else if picks.len() > 1 {
                return Some((key, picks));
            }
        }
        circular
    }

    fn is_unresolved(&self, node: NodeId) -> bool {
        self.choice.nodes[node].picks.contains(&None)
    }

    /// The nodes, if all are nodes of one shape.
    fn copies(&self, rivals: &[Pick]) -> Option<Vec<NodeId>> {
        let nodes = rivals.iter().map(|pick| match pick {
            Pick::Node(node) => Some(*node),
            Pick::Param => None,
        });
        let nodes: Vec<NodeId> = nodes.collect::<Option<_>>()?;
        let shape = |node: &NodeId| self.choice.nodes[*node].shape;
        let first = shape(nodes.first()?);
        nodes
            .iter()
            .all(|node| shape(node) == first)
            .then_some(nodes)
    }

    fn tie(&self, place: Place, rivals: &[(Source, Pick)]) -> SolveError {
        let picks: Vec<Pick> = rivals.iter().map(|(_, pick)| *pick).collect();
        match place {
            Place::Ask(ask) => {
                let output = self.words.ty(self.problem.asks[ask].output);
                let message = format!("{} has several equally good answers", self.words.ask(ask));
                let diag = self.rivals(Diag::internal(message), &output, &picks);
                let same = self.live_on_the_same(&picks);
                self.error(diag.hint(match same {
                    true => format!(
                        "keep one of the rules for {output}, or let it do with fewer params"
                    ),
                    false => "let the query give fewer params, so that one of them fits".to_owned(),
                }))
            }
            Place::Key(node, key) => self.parted(self.choice.nodes[node].shape, key, &picks),
        }
    }

    fn live_on_the_same(&self, picks: &[Pick]) -> bool {
        let live = |pick: &Pick| match pick {
            Pick::Node(node) => Some(&self.choice.nodes[*node].live),
            Pick::Param => None,
        };
        picks.iter().all(|pick| live(pick) == live(&picks[0]))
    }

    fn parted(&self, shape: ShapeId, key: usize, rivals: &[Pick]) -> SolveError {
        let key = &self.problem.shapes[shape].keys[key];
        let output = self.words.ty(key.need.output);
        let mut diag = Diag::internal(format!(
            "rule {} has several equally good sources of {}",
            self.words.shape_name(shape),
            self.words.need(key)
        ));
        if let Some(span) = self.words.key_span(shape, key) {
            diag = diag.at(span);
        }
        diag = self.rivals(diag, &output, rivals);
        let rules = rivals.iter().filter_map(|pick| match pick {
            Pick::Node(node) => self.words.rule(self.choice.nodes[*node].shape),
            Pick::Param => None,
        });
        if let Some(rule) = rules.min_by_key(|rule| &rule.name) {
            let output = self.problem.name(key.need.output);
            let inputs = self.words.arguments(&key.need.provides);
            diag = diag.hint(format!(
                "name the rule: get!({output}, {inputs}, via {})",
                rule.name
            ));
        }
        self.error(diag)
    }

    fn rivals(&self, mut diag: Diag, output: &str, rivals: &[Pick]) -> Diag {
        let mut notes: Vec<(&str, String)> = rivals
            .iter()
            .map(|pick| match pick {
                Pick::Param => ("", format!("the param {output} itself")),
                Pick::Node(node) => {
                    let node = &self.choice.nodes[*node];
                    let lives_on = self.words.lives_on(&node.live);
                    let name = self.words.rule(node.shape).map_or("", |rule| &rule.name);
                    (name, format!("{} {lives_on}", self.words.shape(node.shape)))
                }
            })
            .collect();
        notes.sort();
        notes.dedup();
        for (_, note) in notes {
            diag = diag.note(note);
        }
        diag
    }

    fn error(&self, diag: Diag) -> SolveError {
        SolveError {
            kind: ErrorKind::Ambiguous,
            diag,
        }
    }
}
