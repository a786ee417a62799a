//! Bounds on every evaluation: guards against accidents, not against malice.
//!
//! Not bounded, because the interpreter looks at its limits between operations only: what a single
//! operation makes (`"x" * 2000000000`, a text doubled forty times), and the native stack taken
//! by showing or freezing a value that code nested some ten thousand levels deep.

/// What one evaluation may use. Counted, not timed, so the same file fails the same way anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Function calls and loop turns.
    pub ticks: u64,
    /// Bytes of Starlark values, live or not yet collected.
    pub heap_bytes: usize,
    /// Functions that may be active at once; each takes native stack.
    pub call_depth: usize,
    /// How deeply blocks and expressions may nest in a file, operators that are chained counted
    /// as nesting: the parser and the compiler recurse once for each.
    pub nesting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            ticks: 100_000_000,
            heap_bytes: 1 << 30,
            call_depth: 200,
            nesting: 400,
        }
    }
}
