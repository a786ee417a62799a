//! What a running rule can do.

use std::any::{Any, TypeId};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{self, BoxFuture};
use kiln_diag::Diag;
use kiln_graph::NodeCx;
use kiln_rules::erased::{ParamValue, ProductValue, Runtime};
use smallvec::SmallVec;

use crate::engine::{Core, NodeKey};
use crate::plan::{From, Supply};

/// The runtime of one node.
pub(crate) struct NodeRuntime {
    pub(crate) core: Arc<Core>,
    pub(crate) key: NodeKey,
    pub(crate) cx: NodeCx<Core>,
}

/// The key of the node that supplies a value.
pub(crate) fn node_key(
    instance: kiln_rule_graph::InstanceId,
    params: &[From],
    own: &[ParamValue],
    provided: &[ParamValue],
) -> NodeKey {
    let params = params.iter().map(|from| match from {
        From::Own(at) => own[*at].clone(),
        From::Provided(at) => provided[*at].clone(),
    });
    NodeKey {
        instance,
        params: params.collect(),
    }
}

impl NodeRuntime {
    fn supply(&self, index: usize) -> Result<&Supply, Diag> {
        let plan = self.core.plan(&self.key);
        plan.gets.get(index).ok_or_else(|| {
            Diag::internal(format!(
                "rule `{}` has no Get number {index}",
                plan.def.name
            ))
        })
    }

    fn target(&self, index: usize, provided: &[ParamValue]) -> Result<NodeKey, Diag> {
        match self.supply(index)? {
            Supply::Node(instance, params) => {
                Ok(node_key(*instance, params, &self.key.params, provided))
            }
            Supply::Param(_) => Err(Diag::internal("a Get was planned as a param")),
        }
    }
}

impl Runtime for NodeRuntime {
    fn get(
        &self,
        index: usize,
        provided: SmallVec<[ParamValue; 2]>,
    ) -> BoxFuture<'static, Result<ProductValue, Diag>> {
        // A Get that provides nothing may be answered by a param of this node, which is no
        // product: such a rule takes the value as an input instead.
        match self.target(index, &provided) {
            Ok(key) => {
                let cx = self.cx.clone();
                async move { cx.get(key).await }.boxed()
            }
            Err(error) => future::ready(Err(error)).boxed(),
        }
    }

    fn lose(&self, index: usize, provided: SmallVec<[ParamValue; 2]>) -> bool {
        let key = self.target(index, &provided);
        key.is_ok_and(|key| self.cx.lose(&key))
    }

    fn get_all(
        &self,
        index: usize,
        provided: Vec<SmallVec<[ParamValue; 2]>>,
    ) -> BoxFuture<'static, Vec<Result<ProductValue, Diag>>> {
        let keys: Result<Vec<NodeKey>, Diag> = provided
            .iter()
            .map(|provided| self.target(index, provided))
            .collect();
        match keys {
            Ok(keys) => {
                let cx = self.cx.clone();
                async move { cx.get_all(keys).await }.boxed()
            }
            Err(error) => future::ready(vec![Err(error); provided.len()]).boxed(),
        }
    }

    fn service(&self, id: TypeId) -> Option<Arc<dyn Any + Send + Sync>> {
        self.core.services.get(id)
    }

    fn mark_uncacheable(&self) {
        self.cx.mark_uncacheable();
    }

    fn cpu(&self, job: Box<dyn FnOnce() + Send>) {
        self.core.pool.spawn(job);
    }

    fn block_on(&self, future: BoxFuture<'static, ()>) {
        self.core.tokio.block_on(future);
    }
}
