//! What rules use besides their inputs.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

/// Values that rules may use, by their types: the store, the executor, the interpreter. They are
/// capabilities, not inputs: a rule's result must not depend on which one it was given.
#[derive(Clone, Default)]
pub struct Services(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Services {
    /// None yet.
    pub fn new() -> Services {
        Services::default()
    }

    /// Adds a service, replacing one of the same type.
    pub fn with<T: Send + Sync + 'static>(mut self, service: T) -> Services {
        self.0.insert(TypeId::of::<T>(), Arc::new(service));
        self
    }

    /// Adds a service that others hold too.
    pub fn with_shared<T: Send + Sync + 'static>(mut self, service: Arc<T>) -> Services {
        self.0.insert(TypeId::of::<T>(), service);
        self
    }

    pub(crate) fn get(&self, id: TypeId) -> Option<Arc<dyn Any + Send + Sync>> {
        self.0.get(&id).cloned()
    }
}
