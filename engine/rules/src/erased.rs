//! Values whose types are known to the rule graph only.

use std::any::{Any, TypeId};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use futures::future::BoxFuture;
use kiln_diag::Diag;
use smallvec::SmallVec;

use crate::{Param, Product};

/// The value of a param, with its hash. Cheap to clone and to compare.
#[derive(Clone)]
pub struct ParamValue {
    hash: u64,
    value: Arc<dyn AnyParam>,
}

trait AnyParam: Any + fmt::Debug + Send + Sync {
    fn same(&self, other: &dyn Any) -> bool;
    fn as_any(&self) -> &dyn Any;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<P: Param> AnyParam for P {
    fn same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<P>() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl ParamValue {
    /// Erases a param.
    pub fn new<P: Param>(value: P) -> ParamValue {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        ParamValue {
            hash: hasher.finish(),
            value: Arc::new(value),
        }
    }

    /// The type of the value.
    pub fn type_id(&self) -> TypeId {
        self.value.as_any().type_id()
    }

    /// The value, if it is a `P`.
    pub fn downcast<P: Param>(&self) -> Option<&P> {
        self.value.as_any().downcast_ref()
    }

    /// The value as an input of a rule.
    pub fn into_input(self) -> Arc<dyn Any + Send + Sync> {
        self.value.into_any()
    }
}

impl PartialEq for ParamValue {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && (Arc::ptr_eq(&self.value, &other.value) || self.value.same(other.value.as_any()))
    }
}

impl Eq for ParamValue {}

impl Hash for ParamValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Debug for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The value of a product. Cheap to clone; equality is that of the value.
#[derive(Clone)]
pub struct ProductValue(Arc<dyn AnyProduct>);

trait AnyProduct: Any + fmt::Debug + Send + Sync {
    fn same(&self, other: &dyn Any) -> bool;
    fn as_any(&self) -> &dyn Any;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<P: Product> AnyProduct for P {
    fn same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<P>() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// What a rule may return: a product, or a shared one.
pub trait IntoProduct<P> {
    /// Erases it.
    fn into_product(self) -> ProductValue;
}

impl<P: Product> IntoProduct<P> for P {
    fn into_product(self) -> ProductValue {
        ProductValue(Arc::new(self))
    }
}

impl<P: Product> IntoProduct<P> for Arc<P> {
    fn into_product(self) -> ProductValue {
        ProductValue(self)
    }
}

impl ProductValue {
    /// Erases a product, shared or not.
    pub fn new<P>(value: impl IntoProduct<P>) -> ProductValue {
        value.into_product()
    }

    /// The value, if it is a `P`.
    pub fn downcast<P: Send + Sync + 'static>(self) -> Option<Arc<P>> {
        self.0.into_any().downcast().ok()
    }

    /// The value as an input of a rule.
    pub fn into_input(self) -> Arc<dyn Any + Send + Sync> {
        self.0.into_any()
    }
}

impl PartialEq for ProductValue {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.same(other.0.as_any())
    }
}

impl Eq for ProductValue {}

impl fmt::Debug for ProductValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The positional inputs of a rule, in order.
pub struct Arguments(pub SmallVec<[Arc<dyn Any + Send + Sync>; 4]>);

impl Arguments {
    /// The input of that index. An input of another type is a defect of the scheduler.
    pub fn take<T: Send + Sync + 'static>(&self, at: usize) -> Result<Arc<T>, Diag> {
        self.0
            .get(at)
            .cloned()
            .and_then(|value| value.downcast().ok())
            .ok_or_else(|| {
                let name = std::any::type_name::<T>();
                Diag::internal(format!("input {at} of a rule is no `{name}`"))
            })
    }
}

/// What the scheduler offers to a running rule.
pub trait Runtime: Send + Sync {
    /// Performs the Get of that index in the rule's definition.
    fn get(
        &self,
        index: usize,
        provided: SmallVec<[ParamValue; 2]>,
    ) -> BoxFuture<'static, Result<ProductValue, Diag>>;

    /// The content of what the Get of that index gave is gone: the next one makes it again. Whether
    /// there was anything to forget.
    fn lose(&self, index: usize, provided: SmallVec<[ParamValue; 2]>) -> bool;

    /// Performs one Get for each set of params, at once.
    fn get_all(
        &self,
        index: usize,
        provided: Vec<SmallVec<[ParamValue; 2]>>,
    ) -> BoxFuture<'static, Vec<Result<ProductValue, Diag>>>;

    /// A service; which ones a rule uses was checked when the engine was made.
    fn service(&self, id: TypeId) -> Option<Arc<dyn Any + Send + Sync>>;

    /// The result of this run holds for the current session only (GR-020).
    fn mark_uncacheable(&self);

    /// Runs a computation on the pool for such and comes back.
    fn cpu(&self, job: Box<dyn FnOnce() + Send>);

    /// Waits, on a thread of the pool, for a future.
    fn block_on(&self, future: BoxFuture<'static, ()>);
}

/// A running rule's runtime.
pub type Context = Arc<dyn Runtime>;
