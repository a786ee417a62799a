//! Values that live as long as an implementation function runs: `ctx`, what hangs on it, `Args`.

use std::fmt;

use crate::interp::*;

/// What they would freeze to. There is none of it.
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct Transient;

starlark_simple_value!(Transient);

impl fmt::Display for Transient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<gone>")
    }
}

#[starlark_value(type = "NoneType")]
impl<'v> StarlarkValue<'v> for Transient {}

/// Fails: the provider that such a value was put into outlives it.
pub(crate) fn refuse<T>(kind: &str) -> FreezeResult<T> {
    Err(starlark::values::FreezeError::new(format!(
        "a provider holds a value of type `{kind}`, which is valid only while the implementation \
         function runs"
    )))
}

/// Makes a type one of them.
macro_rules! transient {
    ($name:ident <'v>) => {
        impl<'v> starlark::values::AllocValue<'v> for $name<'v> {
            fn alloc_value(self, heap: Heap<'v>) -> Value<'v> {
                heap.alloc_complex(self)
            }
        }

        impl<'v> Freeze for $name<'v> {
            type Frozen = $crate::values::transient::Transient;

            fn freeze(self, _freezer: &Freezer) -> FreezeResult<Self::Frozen> {
                $crate::values::transient::refuse(<$name<'v> as StarlarkValue<'v>>::TYPE)
            }
        }
    };
    ($name:ident) => {
        impl<'v> starlark::values::AllocValue<'v> for $name {
            fn alloc_value(self, heap: Heap<'v>) -> Value<'v> {
                heap.alloc_complex(self)
            }
        }

        impl Freeze for $name {
            type Frozen = $crate::values::transient::Transient;

            fn freeze(self, _freezer: &Freezer) -> FreezeResult<Self::Frozen> {
                $crate::values::transient::refuse(<$name as StarlarkValue<'static>>::TYPE)
            }
        }
    };
}

pub(crate) use transient;
