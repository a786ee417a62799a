//! Rules that live on params which they mask (RG-017, RG-046).

use kiln_diag::Diag;

use super::words::Words;
use crate::choose::{Choice, NodeId, Pick};
use crate::error::{ErrorKind, SolveError};
use crate::problem::ShapeId;
use crate::set::Set;

/// A chosen node whose live set meets its mask.
pub(super) fn chosen(words: Words<'_>, choice: &Choice, node: NodeId) -> SolveError {
    let node = &choice.nodes[node];
    let shape = &words.0.shapes[node.shape];
    let types = shape.masked.intersection(&node.live);
    let mut ways = Vec::new();
    for (key, pick) in shape.keys.iter().zip(&node.picks) {
        match pick {
            Some(Pick::Param) if types.contains(key.need.output) => {
                ways.push(own_input(words, &Set::of(key.need.output)));
            }
            Some(Pick::Node(below)) => {
                let below = &choice.nodes[*below];
                let through = below.live.minus(&key.need.provides).intersection(&types);
                if !through.is_empty() {
                    ways.push(format!(
                        "{} comes through {}, which makes its {}",
                        words.types(&through),
                        words.shape(below.shape),
                        words.ty(key.need.output)
                    ));
                }
            }
            _ => {}
        }
    }
    let own: Set = shape
        .keys
        .iter()
        .filter(|key| key.positional)
        .map(|key| key.need.output)
        .collect();
    error(words, node.shape, &types, ways, &types.intersection(&own))
}

/// A rule that takes masked params as inputs and fails for another reason as well.
pub(super) fn taken(words: Words<'_>, shape: ShapeId, types: &Set) -> SolveError {
    error(words, shape, types, vec![own_input(words, types)], types)
}

fn own_input(words: Words<'_>, types: &Set) -> String {
    format!("it takes {} as an input itself", words.types(types))
}

/// `own` are the masked types that the rule takes as inputs itself.
fn error(
    words: Words<'_>,
    shape: ShapeId,
    types: &Set,
    ways: Vec<String>,
    own: &Set,
) -> SolveError {
    let mut diag = Diag::internal(format!(
        "rule {} masks {}, but depends on {}",
        words.shape_name(shape),
        words.types(types),
        if types.len() == 1 { "it" } else { "them" }
    ));
    if let Some(span) = words.span(shape) {
        diag = diag.at(span);
    }
    for way in ways {
        diag = diag.note(way);
    }
    if !own.is_empty() {
        let own = words.types(own);
        diag = diag.hint(format!("don't take {own} as an input, or don't mask it"));
    }
    let through = types.minus(own);
    if !through.is_empty() {
        let through = words.types(&through);
        diag = diag.hint(format!(
            "provide {through} in the Get that leads there, so that it is fixed below the rule"
        ));
    }
    SolveError {
        kind: ErrorKind::Masked,
        diag,
    }
}
