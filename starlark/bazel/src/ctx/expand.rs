//! `ctx.expand_location`, `ctx.expand_make_variables` and `ctx.tokenize`.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_targets::LocationKind;

use crate::analysis::state::Analysis;
use crate::analysis::{locations, tokenize};
use crate::ctx::Ctx;
use crate::interp::*;

#[starlark_module]
pub(super) fn methods(builder: &mut MethodsBuilder) {
    fn expand_location<'v>(
        this: Value<'v>,
        #[starlark(require = pos)] input: &str,
        #[starlark(default = NoneOr::None)] targets: NoneOr<Value<'v>>,
        #[starlark(default = false)] short_paths: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<String> {
        let _ = this;
        let targets = targets.into_option().and_then(sequence).unwrap_or_default();
        let kind = match short_paths {
            true => LocationKind::Root,
            false => LocationKind::Exec,
        };
        let request = Analysis::of(eval)?.request;
        locations::expand(input, kind, request, &locations::facts(targets)).map_err(stop)
    }

    fn expand_make_variables<'v>(
        this: Value<'v>,
        #[starlark(require = pos)] attribute_name: &str,
        #[starlark(require = pos)] command: &str,
        #[starlark(require = pos)] additional_substitutions: Value<'v>,
    ) -> starlark::Result<String> {
        let variables = variables(Ctx::of(this)?, Some(additional_substitutions))?;
        locations::expand_variables(command, attribute_name, &variables).map_err(stop)
    }

    fn tokenize<'v>(
        this: Value<'v>,
        #[starlark(require = pos)] option: &str,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let _ = this;
        let words = tokenize::tokenize(option).map_err(stop)?;
        Ok(heap.alloc(AllocList(words)))
    }
}

/// The target's make variables and those of a dict, which win.
pub(super) fn variables(
    ctx: &Ctx<'_>,
    extra: Option<Value<'_>>,
) -> starlark::Result<BTreeMap<Arc<str>, Arc<str>>> {
    let mut variables = ctx.facts.variables.clone();
    let Some(extra) = extra.filter(|extra| !extra.is_none()) else {
        return Ok(variables);
    };
    let Some(dict) = DictRef::from_value(extra) else {
        return fail(format!(
            "substitutions are a dict of strings, and these are `{}`",
            extra.get_type()
        ));
    };
    for (name, value) in dict.iter() {
        match (name.unpack_str(), value.unpack_str()) {
            (Some(name), Some(value)) => variables.insert(Arc::from(name), Arc::from(value)),
            _ => return fail("substitutions are a dict of strings"),
        };
    }
    Ok(variables)
}
