//! Sets of artifacts that share their parts.

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use kiln_base::Fingerprint;

use crate::{Artifact, Owner};

/// The order in which a set is listed (Bazel: `depset(order = ...)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// `default`: no promise; kiln lists as `postorder`.
    Default,
    /// Children before parents.
    Postorder,
    /// Parents before children.
    Preorder,
    /// Parents before children, each once, after all its parents.
    Topological,
}

/// A set of artifacts: some of its own and those of other sets. Compared and hashed by a
/// fingerprint of its structure, so an unchanged set is the same node in the next build.
#[derive(Clone)]
pub struct ArtifactSet(Option<Arc<Inner>>);

struct Inner {
    order: Order,
    direct: Box<[Artifact]>,
    children: Box<[ArtifactSet]>,
    fingerprint: Fingerprint,
}

impl ArtifactSet {
    /// The set without members.
    pub fn empty() -> ArtifactSet {
        ArtifactSet(None)
    }

    /// A set of these artifacts and of the members of `children`. Empty children are left out.
    pub fn new(
        order: Order,
        direct: impl IntoIterator<Item = Artifact>,
        children: impl IntoIterator<Item = ArtifactSet>,
    ) -> ArtifactSet {
        let direct: Box<[Artifact]> = direct.into_iter().collect();
        let mut children: Vec<ArtifactSet> = children
            .into_iter()
            .filter(|child| !child.is_empty())
            .collect();
        if direct.is_empty() {
            match children.len() {
                0 => return ArtifactSet(None),
                1 if order == Order::Default => return children.remove(0),
                _ => {}
            }
        }
        let fingerprint = fingerprint(order, &direct, &children);
        let children = children.into();
        ArtifactSet(Some(Arc::new(Inner {
            order,
            direct,
            children,
            fingerprint,
        })))
    }

    /// A set of these artifacts.
    pub fn of(direct: impl IntoIterator<Item = Artifact>) -> ArtifactSet {
        ArtifactSet::new(Order::Default, direct, [])
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Its own members.
    pub fn direct(&self) -> &[Artifact] {
        self.0.as_ref().map_or(&[], |inner| &inner.direct)
    }

    /// The sets it takes the others from.
    pub fn children(&self) -> &[ArtifactSet] {
        self.0.as_ref().map_or(&[], |inner| &inner.children)
    }

    /// The identity.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.0.as_ref().map(|inner| inner.fingerprint)
    }

    /// All members, each once, in the set's order.
    pub fn to_list(&self) -> Vec<Artifact> {
        let Some(inner) = &self.0 else {
            return Vec::new();
        };
        let preorder = matches!(inner.order, Order::Preorder | Order::Topological);
        if inner.order == Order::Topological {
            // Right to left in postorder and turned round: a member comes after all its parents.
            let mut list = self.list(true, false);
            list.reverse();
            return list;
        }
        self.list(false, preorder)
    }

    /// Iterative, so that a long chain of sets does not use up the stack.
    fn list(&self, reverse: bool, preorder: bool) -> Vec<Artifact> {
        let mut members = HashSet::new();
        let mut list = Vec::new();
        let mut seen: HashSet<*const Inner> = HashSet::new();
        // A set, and whether its children are done.
        let mut stack = vec![(self, false)];
        while let Some((set, children_done)) = stack.pop() {
            let Some(inner) = &set.0 else { continue };
            if !children_done && !seen.insert(Arc::as_ptr(inner)) {
                continue;
            }
            let mut take = || {
                let direct = inner.direct.iter();
                let mut push = |artifact: &Artifact| {
                    if members.insert(artifact.clone()) {
                        list.push(artifact.clone());
                    }
                };
                if reverse {
                    direct.rev().for_each(&mut push)
                } else {
                    direct.for_each(&mut push)
                }
            };
            if preorder {
                take();
            } else if children_done || inner.children.is_empty() {
                take();
                continue;
            } else {
                stack.push((set, true));
            }
            // The stack turns the order round.
            if reverse {
                stack.extend(inner.children.iter().map(|child| (child, false)));
            } else {
                stack.extend(inner.children.iter().rev().map(|child| (child, false)));
            }
        }
        list
    }
}

impl Drop for Inner {
    /// Takes long chains apart without recursion.
    fn drop(&mut self) {
        let mut pending: Vec<ArtifactSet> = std::mem::take(&mut self.children).into_vec();
        while let Some(ArtifactSet(Some(inner))) = pending.pop() {
            if let Ok(mut inner) = Arc::try_unwrap(inner) {
                pending.extend(std::mem::take(&mut inner.children).into_vec());
            }
        }
    }
}

fn fingerprint(order: Order, direct: &[Artifact], children: &[ArtifactSet]) -> Fingerprint {
    let mut builder = Fingerprint::build("artifacts");
    builder.number(order as u64).number(direct.len() as u64);
    for artifact in direct {
        builder.text(artifact.exec_path());
        match artifact.owner() {
            Owner::Source(_) | Owner::Status(..) => builder.number(artifact.kind() as u64),
            Owner::Target(label, configuration) => builder
                .text(&label.to_string())
                .fingerprint(configuration.fingerprint()),
        };
    }
    for child in children {
        if let Some(fingerprint) = child.fingerprint() {
            builder.fingerprint(fingerprint);
        }
    }
    builder.finish()
}

impl PartialEq for ArtifactSet {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint() == other.fingerprint()
    }
}

impl Eq for ArtifactSet {}

impl Hash for ArtifactSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint().hash(state);
    }
}

impl fmt::Debug for ArtifactSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.to_list()).finish()
    }
}
