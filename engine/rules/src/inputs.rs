//! Tuples of params, as Gets and queries provide them.

use smallvec::{SmallVec, smallvec};

use crate::Param;
use crate::def::TypeRef;
use crate::erased::ParamValue;

/// A tuple of params: `()`, `(A,)`, `(A, B)`, `(A, B, C)`, `(A, B, C, D)`.
pub trait Inputs: Send + 'static {
    /// The types, in order.
    fn types() -> Vec<TypeRef>;

    /// The values, in order.
    fn into_values(self) -> SmallVec<[ParamValue; 2]>;
}

impl Inputs for () {
    fn types() -> Vec<TypeRef> {
        Vec::new()
    }

    fn into_values(self) -> SmallVec<[ParamValue; 2]> {
        SmallVec::new()
    }
}

macro_rules! tuple {
    ($($name:ident $at:tt),+) => {
        impl<$($name: Param),+> Inputs for ($($name,)+) {
            fn types() -> Vec<TypeRef> {
                vec![$(TypeRef::param::<$name>()),+]
            }

            fn into_values(self) -> SmallVec<[ParamValue; 2]> {
                smallvec![$(ParamValue::new(self.$at)),+]
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
