//! Putting trees together.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::{Node, Tree};

/// Two trees have different things at one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Where.
    pub path: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "two different entries at `{}`", self.path)
    }
}

impl std::error::Error for Conflict {}

pub(crate) fn merge(a: &Tree, b: &Tree) -> Result<Tree, Conflict> {
    if a.same(b) || b.is_empty() {
        return Ok(a.clone());
    }
    if a.is_empty() {
        return Ok(b.clone());
    }
    let (left, right) = (a.entries(), b.entries());
    let mut merged: Vec<(Arc<str>, Node)> = Vec::with_capacity(left.len().max(right.len()));
    let (mut i, mut j) = (0, 0);
    // Whether the result so far is just `a`, or just `b`: then that tree can be shared.
    let (mut only_a, mut only_b) = (true, true);
    while i < left.len() || j < right.len() {
        let order = match (left.get(i), right.get(j)) {
            (Some(l), Some(r)) => l.0.as_bytes().cmp(r.0.as_bytes()),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        match order {
            Ordering::Less => {
                merged.push(left[i].clone());
                only_b = false;
                i += 1;
            }
            Ordering::Greater => {
                merged.push(right[j].clone());
                only_a = false;
                j += 1;
            }
            Ordering::Equal => {
                let node = merge_nodes(&left[i].0, &left[i].1, &right[j].1)?;
                only_a &= identical(&node, &left[i].1);
                only_b &= identical(&node, &right[j].1);
                merged.push((left[i].0.clone(), node));
                i += 1;
                j += 1;
            }
        }
    }
    Ok(match (only_a, only_b) {
        (true, _) => a.clone(),
        (_, true) => b.clone(),
        _ => Tree::from_sorted(merged),
    })
}

fn merge_nodes(name: &str, a: &Node, b: &Node) -> Result<Node, Conflict> {
    match (a, b) {
        (Node::Dir(a), Node::Dir(b)) => merge(a, b).map(Node::Dir).map_err(|conflict| Conflict {
            path: format!("{name}/{}", conflict.path),
        }),
        (a, b) if a == b => Ok(a.clone()),
        _ => Err(Conflict {
            path: name.to_owned(),
        }),
    }
}

fn identical(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Dir(a), Node::Dir(b)) => a.same(b),
        _ => true,
    }
}
