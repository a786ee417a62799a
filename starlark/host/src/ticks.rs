//! The limit on function calls and loop turns.
//!
//! The interpreter has such a limit itself, but it looks at it once more when a module or a
//! function called from outside is done, and the error of that look, which has no place, hides
//! the one that has. So the looks are counted here, where those right after the one that ended
//! the evaluation can be told to see nothing.

use std::cell::Cell;

use starlark::eval::Evaluator;
use starlark::values::Value;

use crate::EvalContext;

/// How many ticks there are between two looks.
const TICKS_PER_LOOK: u64 = 1000;
/// How many calls from outside may be within one another: each looks once when it is over. Code
/// that went on after an error would be ended again after so many looks.
const NESTED: u64 = 256;

/// How often the interpreter has looked.
#[derive(Default)]
pub(crate) struct Ticks(Cell<u64>);

impl Ticks {
    /// One more look: whether the evaluation must end.
    pub(crate) fn look(&self, limit: u64) -> bool {
        let looks = self.0.get().saturating_add(1);
        self.0.set(looks);
        match looks.checked_sub((limit / TICKS_PER_LOOK).max(1)) {
            None => false,
            Some(0) => true,
            Some(after) => after > NESTED,
        }
    }
}

/// Calls a Starlark function from native code.
pub fn call_function<'v>(
    eval: &mut Evaluator<'v, '_, '_>,
    function: Value<'v>,
    positional: &[Value<'v>],
    named: &[(&str, Value<'v>)],
) -> starlark::Result<Value<'v>> {
    let result = eval.eval_function(function, positional, named)?;
    // The look at its end came without ticks before it.
    let Ticks(looks) = EvalContext::of(eval)?.ticks();
    looks.set(looks.get().saturating_sub(1));
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks() {
        let ticks = Ticks::default();
        let looks = |count: usize| (0..count).filter(|_| ticks.look(3_000)).count();
        assert_eq!(looks(2), 0);
        assert_eq!(looks(1), 1);
        assert_eq!(looks(NESTED as usize), 0);
        assert_eq!(looks(5), 5);
        assert!(Ticks::default().look(10));
    }
}
