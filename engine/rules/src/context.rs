//! What a rule's body sees.

use std::any::TypeId;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use futures::FutureExt;
use futures::channel::oneshot;
use kiln_diag::Diag;

use crate::def::RuleDef;
use crate::erased::{Context, ProductValue};
use crate::{Inputs, Product};

/// A rule; implemented by `#[rule]`.
pub trait Rule: 'static {
    /// Its definition.
    const DEF: &'static RuleDef;
}

/// A rule that may ask for an `O` by handing over `I`; implemented by `#[rule]` for each Get that
/// it sees in the body, and for those listed in `#[rule(gets(I -> O))]`.
#[diagnostic::on_unimplemented(
    message = "rule `{Self}` does not declare `Get({O}, {I})`",
    label = "this Get is not declared",
    note = "write `get!({O}, value => Type)` in the rule's body, or add `gets(Type -> {O})` to `#[rule]`"
)]
pub trait Declares<O, I>: Rule {
    /// The index of the Get in [`RuleDef::gets`].
    const INDEX: usize;
}

/// A rule that may use a service; implemented by `#[rule(uses(T))]`.
#[diagnostic::on_unimplemented(
    message = "rule `{Self}` does not declare that it uses `{T}`",
    label = "this service is not declared",
    note = "add `uses({T})` to `#[rule]`"
)]
pub trait Uses<T>: Rule {}

/// The context of a running rule `R`.
pub struct RuleCx<R> {
    context: Context,
    rule: PhantomData<fn() -> R>,
}

impl<R> Clone for RuleCx<R> {
    fn clone(&self) -> Self {
        RuleCx {
            context: self.context.clone(),
            rule: PhantomData,
        }
    }
}

impl<R: Rule> RuleCx<R> {
    #[doc(hidden)]
    pub fn new(context: Context) -> RuleCx<R> {
        RuleCx {
            context,
            rule: PhantomData,
        }
    }

    /// Asks for an `O`, handing over `input`. Rules write `get!(O, ...)`.
    pub fn get<O: Product, I: Inputs>(
        &self,
        input: I,
    ) -> impl Future<Output = Result<Arc<O>, Diag>> + Send + use<R, O, I>
    where
        R: Declares<O, I>,
    {
        let answer = self
            .context
            .get(<R as Declares<O, I>>::INDEX, input.into_values());
        answer.map(|answer| downcast::<O>(answer?))
    }

    /// Asks for an `O` for each of `inputs`, all at once, and ends with the first error.
    pub fn get_all<O: Product, I: Inputs, L: IntoIterator<Item = I>>(
        &self,
        inputs: L,
    ) -> impl Future<Output = Result<Vec<Arc<O>>, Diag>> + Send + use<R, O, I, L>
    where
        R: Declares<O, I>,
    {
        self.get_each::<O, I>(inputs.into_iter().collect())
            .map(|answers| answers.into_iter().collect())
    }

    /// Asks for an `O` for each of `inputs`, all at once; one that fails does not end the others.
    pub fn get_each<O: Product, I: Inputs>(
        &self,
        inputs: Vec<I>,
    ) -> impl Future<Output = Vec<Result<Arc<O>, Diag>>> + Send + use<R, O, I>
    where
        R: Declares<O, I>,
    {
        let inputs = inputs.into_iter().map(Inputs::into_values).collect();
        let answers = self.context.get_all(<R as Declares<O, I>>::INDEX, inputs);
        answers.map(|answers| {
            answers
                .into_iter()
                .map(|answer| downcast::<O>(answer?))
                .collect()
        })
    }

    /// The content of an `O`, which is kept elsewhere, is gone although the value is known: the next
    /// Get makes it again, for this rule and for all others (PX-090). Those that were computed from
    /// it do not notice if it comes out equal (PX-092). Look again before calling this: it runs the
    /// rule once more even if the content is there. Whether there was anything to forget.
    pub fn lose<O: Product, I: Inputs>(&self, input: I) -> bool
    where
        R: Declares<O, I>,
    {
        self.context
            .lose(<R as Declares<O, I>>::INDEX, input.into_values())
    }

    /// A service. That it is there was checked when the engine was made.
    pub fn service<T: Send + Sync + 'static>(&self) -> Result<Arc<T>, Diag>
    where
        R: Uses<T>,
    {
        let found = self.context.service(TypeId::of::<T>());
        found
            .and_then(|service| service.downcast().ok())
            .ok_or_else(|| {
                let name = std::any::type_name::<T>();
                Diag::internal(format!("the engine was made without the service `{name}`"))
            })
    }

    /// The result of this run holds for the current session only (GR-020).
    pub fn mark_uncacheable(&self) {
        self.context.mark_uncacheable();
    }

    /// Runs real work (parsing, evaluating, hashing) on the pool for such. `work` may wait for
    /// Gets through [`RuleCx::block_on`].
    pub async fn cpu<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Diag> {
        let (sender, receiver) = oneshot::channel();
        self.context.cpu(Box::new(move || {
            // Whoever waited may be gone: then the result is not wanted.
            let _ = sender.send(work());
        }));
        receiver
            .await
            .map_err(|_| Diag::internal("a computation ended without a result"))
    }

    /// Waits for a future from within [`RuleCx::cpu`]. Must not be called on an async thread.
    pub fn block_on<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Diag> {
        let (sender, mut receiver) = oneshot::channel();
        self.context.block_on(Box::pin(async move {
            let _ = sender.send(future.await);
        }));
        match receiver.try_recv() {
            Ok(Some(value)) => Ok(value),
            _ => Err(Diag::internal("a wait ended without a result")),
        }
    }
}

fn downcast<O: Product>(value: ProductValue) -> Result<Arc<O>, Diag> {
    value.downcast().ok_or_else(|| {
        let name = std::any::type_name::<O>();
        Diag::internal(format!(
            "a Get was answered by something else than `{name}`"
        ))
    })
}
