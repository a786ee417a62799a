//! The targets of a check with all they need, and the ways between them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_rules::RuleCx;
use kiln_targets::Configuration;

use super::{Finding, Kind, Need, RuleSpot, Spot, fit_report};
use crate::keys::TargetKey;

/// What was walked over.
pub(super) struct Graph {
    nodes: Vec<Node>,
    by_key: HashMap<(Label, Configuration), usize>,
}

struct Node {
    label: Label,
    spot: Arc<Spot>,
    /// Who was on the way here first; `None` for what was asked for.
    parent: Option<usize>,
    /// All that need it.
    dependents: Vec<usize>,
    asked: bool,
}

impl Graph {
    /// Walks, nearest first, so that ways are short.
    pub(super) async fn walk(
        cx: &RuleCx<fit_report>,
        targets: &[Label],
        configuration: &Configuration,
    ) -> Result<Graph, Diag> {
        let mut graph = Graph {
            nodes: Vec::new(),
            by_key: HashMap::new(),
        };
        type Wave = Vec<((Label, Configuration), Option<usize>)>;
        let targets = targets.iter();
        let mut wave: Wave = targets
            .map(|label| ((label.clone(), configuration.clone()), None))
            .collect();
        while !wave.is_empty() {
            let mut fresh: Wave = Vec::new();
            let mut seen: HashMap<(Label, Configuration), Vec<usize>> = HashMap::new();
            for (key, parent) in wave {
                match graph.by_key.get(&key) {
                    Some(known) => graph.nodes[*known].dependents.extend(parent),
                    None => match seen.entry(key.clone()) {
                        Entry::Occupied(mut others) => others.get_mut().extend(parent),
                        Entry::Vacant(place) => {
                            place.insert(parent.into_iter().collect());
                            fresh.push((key, parent));
                        }
                    },
                }
            }
            let keys = fresh.iter().map(|((label, configuration), _)| {
                (TargetKey(label.clone()), configuration.clone())
            });
            let spots = cx
                .get_each::<Spot, (TargetKey, Configuration)>(keys.collect())
                .await;
            wave = Vec::new();
            for ((key, parent), spot) in fresh.into_iter().zip(spots) {
                let at = graph.nodes.len();
                let dependents = seen.remove(&key).unwrap_or_default();
                let spot = spot?;
                wave.extend(next(&spot).map(|key| (key, Some(at))));
                graph.nodes.push(Node {
                    label: key.0.clone(),
                    spot,
                    asked: parent.is_none(),
                    parent,
                    dependents,
                });
                graph.by_key.insert(key, at);
            }
        }
        Ok(graph)
    }

    /// What single targets are wrong in.
    pub(super) fn wrong(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            match &*node.spot {
                Spot::Wrong { kind, error, .. } => {
                    findings.push(self.finding(*kind, error.clone(), at));
                }
                Spot::Rule(spot) => {
                    let unmet = spot.unmet.iter();
                    findings
                        .extend(unmet.map(|(kind, error)| self.finding(*kind, error.clone(), at)));
                }
                Spot::Nothing | Spot::Another(..) => {}
            }
        }
        findings
    }

    /// All targets of rules.
    pub(super) fn rules(&self) -> impl Iterator<Item = (usize, &RuleSpot)> {
        self.nodes
            .iter()
            .enumerate()
            .filter_map(|(at, node)| match &*node.spot {
                Spot::Rule(spot) => Some((at, spot)),
                _ => None,
            })
    }

    /// The target of a rule at a place.
    pub(super) fn rule(&self, at: usize) -> Option<&RuleSpot> {
        match &*self.nodes.get(at)?.spot {
            Spot::Rule(spot) => Some(spot),
            _ => None,
        }
    }

    /// The target behind a dependency, through aliases and outputs.
    pub(super) fn behind(&self, need: &Need) -> Option<&RuleSpot> {
        let mut key = (need.label.clone(), need.configuration.clone());
        // A circle of aliases is found by analysis.
        for _ in 0..64 {
            match &*self.nodes[*self.by_key.get(&key)?].spot {
                Spot::Another(label, configuration) => {
                    key = (label.clone(), configuration.clone());
                }
                Spot::Rule(spot) => return Some(spot),
                Spot::Nothing | Spot::Wrong { .. } => return None,
            }
        }
        None
    }

    /// A finding about a node: with the way to it, and whom it concerns.
    pub(super) fn finding(&self, kind: Kind, diag: Diag, at: usize) -> Finding {
        let chain = self.chain(at);
        let environment = match &*self.nodes[at].spot {
            Spot::Rule(spot) => Some(spot.environment.clone()),
            Spot::Wrong { environment, .. } => environment.clone(),
            _ => None,
        };
        let environment = environment.filter(|name| !name.is_empty());
        let mut shown: Vec<String> = chain.iter().map(|label| format!("`{label}`")).collect();
        if let Some(name) = environment.as_ref().filter(|_| kind != Kind::Loading) {
            shown.push(format!("environment `{name}`"));
        }
        let diag = match chain.len() {
            0 | 1 => diag,
            _ => diag.note(format!("the way to it: {}", shown.join(" -> "))),
        };
        Finding {
            kind,
            diag,
            chain,
            environment,
            concerns: self.asked_above(at),
        }
    }

    fn chain(&self, at: usize) -> Vec<Label> {
        let mut chain = vec![self.nodes[at].label.clone()];
        let mut next = self.nodes[at].parent;
        while let Some(at) = next {
            let node = &self.nodes[at];
            // A target and itself in its environment are one.
            if chain.last() != Some(&node.label) {
                chain.push(node.label.clone());
            }
            next = node.parent;
        }
        chain.reverse();
        chain
    }

    fn asked_above(&self, at: usize) -> Vec<Label> {
        let mut seen = vec![false; self.nodes.len()];
        let mut open = vec![at];
        let mut asked = Vec::new();
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            let node = &self.nodes[at];
            if node.asked {
                asked.push(node.label.clone());
            }
            open.extend(&node.dependents);
        }
        asked.sort();
        asked.dedup();
        asked
    }
}

/// Where to go from a node.
fn next(spot: &Spot) -> impl Iterator<Item = (Label, Configuration)> {
    let needs = match spot {
        Spot::Rule(spot) => &spot.needs[..],
        _ => &[],
    };
    let another = match spot {
        Spot::Another(label, configuration) => Some((label.clone(), configuration.clone())),
        _ => None,
    };
    let needs = needs
        .iter()
        .map(|need| (need.label.clone(), need.configuration.clone()));
    needs.chain(another).collect::<Vec<_>>().into_iter()
}
