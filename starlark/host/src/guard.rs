//! Running the interpreter so that no text can take the process down with it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kiln_diag::Diag;

/// Files that nest no deeper than this need no more stack than any thread has.
const ORDINARY_NESTING: usize = 50;

/// Measured for the deepest nesting that [`crate::Limits`] allows by default, without
/// optimization: under 16 MiB. Only what is touched takes memory.
const DEEP_STACK: usize = 64 << 20;

/// Runs `f`, on a larger stack if the file nests deeply, and turns a panic of the interpreter
/// into a message: it panics where a single value gets too large for it.
pub(crate) fn guarded<R>(
    file: &str,
    nesting: usize,
    f: impl FnOnce() -> Result<R, Diag>,
) -> Result<R, Diag> {
    let caught = || catch_unwind(AssertUnwindSafe(f));
    let result = match nesting <= ORDINARY_NESTING {
        true => caught(),
        false => stacker::grow(DEEP_STACK, caught),
    };
    result.unwrap_or_else(|panic| {
        Err(Diag::build(format!(
            "the Starlark interpreter gave up on `{file}`: {}",
            panic_text(&*panic)
        ))
        .hint("a value seems to be far larger than meant"))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "it panicked",
    }
}
