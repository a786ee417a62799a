//! The order in which unknowns are evaluated: strongly connected components of the inductive
//! edges, in a depth-first post-order over all edges.

use crate::unknowns::{Unknown, UnknownId};

/// Unknowns that read each other over inductive edges.
pub(crate) struct Component {
    pub(crate) members: Vec<UnknownId>,
    /// Whether there is an inductive circle at all.
    pub(crate) cyclic: bool,
}

/// What to evaluate in which order. Indexes of the vectors count from the first new unknown.
pub(crate) struct Plan {
    pub(crate) components: Vec<Component>,
    pub(crate) component_of: Vec<usize>,
    /// Who reads an unknown.
    pub(crate) readers: Vec<Vec<UnknownId>>,
}

/// Plans the unknowns from `first` on.
pub(crate) fn plan(unknowns: &[Unknown], first: usize) -> Plan {
    let new = &unknowns[first..];
    let edges = |inductive_only: bool| -> Vec<Vec<usize>> {
        let children = |unknown: &Unknown| {
            let handings = unknown.handings.iter().flatten();
            let children = handings.filter(|handing| handing.inductive || !inductive_only);
            let answers = unknown.answers.iter().filter(|_| !inductive_only);
            children
                .map(|handing| handing.child)
                .chain(answers.copied())
                .filter(|child| *child >= first)
                .map(|child| child - first)
                .collect()
        };
        new.iter().map(children).collect()
    };
    let all = edges(false);
    let position = post_order(&all);
    let inductive = edges(true);
    let mut components: Vec<Component> = strongly_connected(&inductive)
        .into_iter()
        .map(|mut members| {
            members.sort_by_key(|at| position[*at]);
            let cyclic = members.len() > 1 || inductive[members[0]].contains(&members[0]);
            Component { members, cyclic }
        })
        .collect();
    components.sort_by_key(|component| component.members.last().map(|at| position[*at]));
    let mut component_of = vec![0; new.len()];
    for (number, component) in components.iter_mut().enumerate() {
        for member in &mut component.members {
            component_of[*member] = number;
            *member += first;
        }
    }
    let readers = readers(new, first, &component_of);
    Plan {
        components,
        component_of,
        readers,
    }
}

/// Who has to be looked at again when an unknown changes. Inductive edges within a component are
/// followed while the component is evaluated, not afterwards.
fn readers(new: &[Unknown], first: usize, component_of: &[usize]) -> Vec<Vec<UnknownId>> {
    let mut readers = vec![Vec::new(); new.len()];
    for (reader, unknown) in new.iter().enumerate() {
        let of_keys = unknown.handings.iter().flatten();
        let of_keys = of_keys.map(|handing| (handing.child, handing.inductive));
        let answers = unknown.answers.iter().map(|answer| (*answer, false));
        for (child, inductive) in of_keys.chain(answers) {
            let Some(child) = child.checked_sub(first) else {
                continue;
            };
            let inside = inductive && component_of[child] == component_of[reader];
            if !inside && readers[child].last() != Some(&(reader + first)) {
                readers[child].push(reader + first);
            }
        }
    }
    readers
}

/// Per node its position in a depth-first post-order.
fn post_order(edges: &[Vec<usize>]) -> Vec<usize> {
    let mut position = vec![usize::MAX; edges.len()];
    let mut entered = vec![false; edges.len()];
    let mut done = 0;
    for root in 0..edges.len() {
        if std::mem::replace(&mut entered[root], true) {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((node, next)) = path.last_mut() {
            match edges[*node].get(*next) {
                Some(child) => {
                    *next += 1;
                    if !std::mem::replace(&mut entered[*child], true) {
                        path.push((*child, 0));
                    }
                }
                None => {
                    position[*node] = done;
                    done += 1;
                    path.pop();
                }
            }
        }
    }
    position
}

/// Tarjan's algorithm with an explicit stack, since chains of rules may be long.
fn strongly_connected(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let mut index = vec![NEW; edges.len()];
    let mut low = vec![0; edges.len()];
    let mut on_stack = vec![false; edges.len()];
    let (mut stack, mut components, mut count) = (Vec::new(), Vec::new(), 0);
    for root in 0..edges.len() {
        if index[root] != NEW {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((node, next)) = path.last().copied() {
            if next == 0 {
                index[node] = count;
                low[node] = count;
                count += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            if let Some(child) = edges[node].get(next).copied() {
                path.last_mut().into_iter().for_each(|top| top.1 += 1);
                if index[child] == NEW {
                    path.push((child, 0));
                } else if on_stack[child] {
                    low[node] = low[node].min(index[child]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == index[node] {
                let start = stack.iter().rposition(|at| *at == node).unwrap_or(0);
                let members = stack.split_off(start);
                members.iter().for_each(|at| on_stack[*at] = false);
                components.push(members);
            }
        }
    }
    components
}
