//! Where a dependency cycle is reported.
//!
//! The engine tells a cycle to whoever closed it, which is a matter of chance, and names what is
//! in it from a member on that does not depend on chance. That one gives it a place.

use kiln_diag::Diag;
use kiln_rules::CYCLE;

/// Whether an error is a dependency cycle that has no place yet; then whether `own` is the member
/// that gives it one, and by which of its dependencies.
pub(crate) fn closes<'l, L: std::fmt::Display + 'l>(
    error: &Diag,
    own: &impl std::fmt::Display,
    mut dependencies: impl Iterator<Item = &'l L>,
) -> Option<Option<usize>> {
    if error.message() != CYCLE || error.span().is_some() {
        return None;
    }
    let notes = error.notes();
    let is = |at: usize, text: String| notes.get(at).is_some_and(|note| note.message == text);
    if !is(0, format!("`{own}`")) {
        return Some(None);
    }
    Some(dependencies.position(|label| is(1, format!("needs `{label}`"))))
}
