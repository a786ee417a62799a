//! The parts of the interpreter that values of this crate are made of, in one place.

pub(crate) use kiln_host::allocative::{self, Allocative};
pub(crate) use kiln_host::call_function;
pub(crate) use kiln_host::starlark::any::ProvidesStaticType;
pub(crate) use kiln_host::starlark::coerce::Coerce;
pub(crate) use kiln_host::starlark::collections::{SmallMap, StarlarkHasher};
pub(crate) use kiln_host::starlark::environment::{GlobalsBuilder, Methods, MethodsBuilder};
pub(crate) use kiln_host::starlark::eval::{Arguments, Evaluator};
pub(crate) use kiln_host::starlark::values::dict::{AllocDict, DictRef};
pub(crate) use kiln_host::starlark::values::list::{AllocList, ListRef};
pub(crate) use kiln_host::starlark::values::none::{NoneOr, NoneType};
pub(crate) use kiln_host::starlark::values::starlark_value;
pub(crate) use kiln_host::starlark::values::tuple::TupleRef;
pub(crate) use kiln_host::starlark::values::{
    Freeze, FreezeResult, Freezer, FrozenValue, Heap, NoSerialize, OwnedFrozenValue, StarlarkValue,
    StringValue, StringValueLike, Trace, Value, ValueLifetimeless, ValueLike,
};
pub(crate) use kiln_host::starlark::{
    self, starlark_complex_value, starlark_module, starlark_simple_value,
};

use kiln_diag::Diag;

/// Stops evaluation with `diag`; the doorway adds the place and gives it back whole.
pub(crate) fn stop(diag: Diag) -> starlark::Error {
    kiln_host::raise(diag)
}

/// Stops evaluation with a message.
pub(crate) fn fail<T>(message: impl Into<String>) -> starlark::Result<T> {
    Err(stop(Diag::build(message)))
}

/// The items of a list or tuple.
pub(crate) fn sequence<'v>(value: Value<'v>) -> Option<&'v [Value<'v>]> {
    match ListRef::from_value(value) {
        Some(list) => Some(list.content()),
        None => TupleRef::from_value(value).map(|tuple| tuple.content()),
    }
}
