//! Rules and queries as data.

use std::any::TypeId;

use futures::future::BoxFuture;
use kiln_diag::Diag;

use crate::Inputs;
use crate::erased::{Arguments, Context, ProductValue};

/// A type of the rule graph.
#[derive(Clone, Copy)]
pub struct TypeRef {
    /// Its identity.
    pub id: TypeId,
    /// Its full name (a function, since type names are not constants).
    pub name: fn() -> &'static str,
    /// Whether it is an ambient param.
    pub ambient: bool,
}

impl TypeRef {
    /// A type that is not ambient, or not known to be a param.
    pub const fn of<T: 'static>() -> TypeRef {
        TypeRef {
            id: TypeId::of::<T>(),
            name: std::any::type_name::<T>,
            ambient: false,
        }
    }

    /// A param type.
    pub const fn param<T: crate::Param>() -> TypeRef {
        TypeRef {
            id: TypeId::of::<T>(),
            name: std::any::type_name::<T>,
            ambient: T::AMBIENT,
        }
    }
}

/// A Get that a rule declares.
#[derive(Clone, Copy)]
pub struct GetDef {
    /// The product asked for.
    pub output: TypeRef,
    /// The params handed over.
    pub provides: fn() -> Vec<TypeRef>,
    /// The only rule that may answer (`via`).
    pub call: Option<fn() -> &'static str>,
    /// The line of the Get in the rule's file.
    pub line: u32,
}

/// A rule.
pub struct RuleDef {
    /// Its name: that of the function.
    pub name: &'static str,
    /// What its doc comment says.
    pub doc: &'static str,
    /// The file it is in.
    pub file: &'static str,
    /// The line it begins at.
    pub line: u32,
    /// What it makes.
    pub output: TypeRef,
    /// What it takes, in order.
    pub inputs: &'static [TypeRef],
    /// What it asks for; [`crate::Declares::INDEX`] counts these.
    pub gets: &'static [GetDef],
    /// The services it uses.
    pub uses: &'static [TypeRef],
    /// Runs it.
    pub run: fn(Context, Arguments) -> BoxFuture<'static, Result<ProductValue, Diag>>,
}

/// A question that may be asked from outside: product and params.
#[derive(Clone)]
pub struct QueryDef {
    /// The product.
    pub output: TypeRef,
    /// The params.
    pub params: Vec<TypeRef>,
}

impl QueryDef {
    /// The question for an `O` with values of `I` (a tuple of params).
    pub fn of<O: crate::Product, I: Inputs>() -> QueryDef {
        QueryDef {
            output: TypeRef::of::<O>(),
            params: I::types(),
        }
    }
}
