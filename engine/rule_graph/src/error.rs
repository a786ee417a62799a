//! Why a rule set has no graph.

use kiln_diag::Diag;

/// One cause why a rule set cannot be solved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SolveError {
    /// What sort of cause.
    pub kind: ErrorKind,
    /// The message: where, the candidates and why each was refused, a hint.
    pub diag: Diag,
}

/// The sorts of causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// Several rules have the same name (RG-003). Reported alone.
    DuplicateRule,
    /// Nothing answers a need (RG-041…RG-043).
    NoSource,
    /// Several sources are equally good (RG-044).
    Ambiguous,
    /// A rule lives on a param that it masks (RG-046).
    Masked,
    /// The rule set has more combinations than the solver is willing to go through.
    Budget,
    /// The solver's own check of its result failed: a defect of kiln.
    Internal,
}
