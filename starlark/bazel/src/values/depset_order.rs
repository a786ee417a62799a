//! The order in which a depset of values is listed (Bazel: depset traversal).

use std::collections::HashSet;

use kiln_targets::Order;

use crate::interp::*;
use crate::values::depset::Depset;

/// All members, each once. Iterative, so that deep sets don't use up the stack.
pub(crate) fn list<'v>(set: &Depset<'v>) -> Vec<Value<'v>> {
    let mut members = Members::default();
    match set.head.order {
        Order::Default | Order::Postorder => walk(set, false, false, &mut members),
        Order::Preorder => walk(set, false, true, &mut members),
        Order::Topological => {
            // From right to left, children first, and turned round: a member comes after all
            // sets that contain it.
            walk(set, true, false, &mut members);
            members.list.reverse();
        }
    }
    members.list
}

/// Members met so far.
#[derive(Default)]
struct Members<'v> {
    list: Vec<Value<'v>>,
    hashed: SmallMap<Value<'v>, ()>,
    /// Those that have no hash (frozen lists), by identity.
    others: HashSet<usize>,
}

impl<'v> Members<'v> {
    fn push(&mut self, value: Value<'v>) {
        let new = match value.get_hashed() {
            Ok(hashed) => self.hashed.insert_hashed(hashed, ()).is_none(),
            Err(_) => self.others.insert(address(value)),
        };
        if new {
            self.list.push(value);
        }
    }
}

fn address(value: Value<'_>) -> usize {
    use std::hash::{BuildHasher, BuildHasherDefault};
    // The identity of a value is its address, which `ValueIdentity` hashes as is.
    let hasher = BuildHasherDefault::<Address>::default();
    hasher.hash_one(value.identity()) as usize
}

#[derive(Default)]
struct Address(u64);

impl std::hash::Hasher for Address {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

fn walk<'v>(set: &Depset<'v>, reverse: bool, preorder: bool, members: &mut Members<'v>) {
    let mut seen: HashSet<*const Depset<'v>> = HashSet::new();
    // A set, and whether its children are done.
    let mut stack: Vec<(&Depset<'v>, bool)> = vec![(set, false)];
    while let Some((set, children_done)) = stack.pop() {
        if !children_done && !seen.insert(set) {
            continue;
        }
        if preorder || children_done || set.transitive.is_empty() {
            match reverse {
                true => set
                    .direct
                    .iter()
                    .rev()
                    .for_each(|value| members.push(*value)),
                false => set.direct.iter().for_each(|value| members.push(*value)),
            }
            if !preorder {
                continue;
            }
        } else {
            stack.push((set, true));
        }
        let children = set.transitive.iter();
        let children = children.filter_map(|value| Some((Depset::from_value(*value)?, false)));
        // The stack turns the order round.
        match reverse {
            true => stack.extend(children),
            false => stack.extend(children.rev()),
        }
    }
}
