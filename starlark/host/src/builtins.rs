//! The functions that every Starlark file has: the language's own, `json`, `set` and `print`.

use kiln_diag::Diag;
use starlark::environment::{GlobalsBuilder, LibraryExtension};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::Value;
use starlark::values::none::NoneType;
use starlark::values::tuple::UnpackTuple;

use crate::{EvalContext, call_span};

/// A builder with what every Starlark file has; `build` and `bazel` add to it.
pub fn base_globals() -> GlobalsBuilder {
    GlobalsBuilder::extended_by(&[LibraryExtension::Json, LibraryExtension::SetType]).with(output)
}

#[starlark_module]
#[allow(clippy::unnecessary_wraps)]
fn output(builder: &mut GlobalsBuilder) {
    /// Shows a text as a warning at the place of the call (Bazel: `DEBUG:` lines on stderr).
    fn print<'v>(
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        #[starlark(require = named, default = " ")] sep: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let texts: Vec<String> = args.items.iter().map(|arg| arg.to_str()).collect();
        let warning = Diag::build(texts.join(sep));
        EvalContext::of(eval)?.warn(match call_span(eval) {
            Some(span) => warning.at(span),
            None => warning,
        });
        Ok(NoneType)
    }
}
