//! The engine and its sessions.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_diag::Diag;
use kiln_graph::{Compute, Graph, NodeCx};
use kiln_rule_graph::{InstanceId, RuleGraph, RuleSet, Source, solve};
use kiln_rules::def::{QueryDef, RuleDef, TypeRef};
use kiln_rules::erased::{Arguments, ParamValue, ProductValue};
use kiln_rules::{CYCLE, Inputs, Product};
use smallvec::SmallVec;

use crate::plan::{Plan, Supply, plans};
use crate::runtime::{NodeRuntime, node_key};
use crate::services::Services;
use crate::types::Types;

/// What an engine is made of.
pub struct Parts {
    /// All rules.
    pub rules: Vec<&'static RuleDef>,
    /// All questions that may be asked from outside.
    pub queries: Vec<QueryDef>,
    /// What rules use.
    pub services: Services,
    /// How many threads the pool for real work has.
    pub threads: usize,
    /// Told of each rule that runs; for tests.
    pub trace: Option<Trace>,
}

/// Told of each rule that runs, and with which params.
pub type Trace = Arc<dyn Fn(&'static str, &[ParamValue]) + Send + Sync>;

/// Rules, solved, with the memory of what they made. Must be made and used within a tokio
/// runtime.
pub struct Engine {
    core: Arc<Core>,
    graph: Graph<Core>,
}

/// A node of the run-time graph: an instance and the values of its live params.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NodeKey {
    /// The instance.
    pub instance: InstanceId,
    /// The params, in the order of the instance's live set.
    pub params: SmallVec<[ParamValue; 2]>,
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.instance.0, self.params)
    }
}

/// What the run-time graph computes with.
pub(crate) struct Core {
    pub(crate) types: Types,
    pub(crate) solved: RuleGraph,
    plans: Vec<Plan>,
    pub(crate) services: Services,
    pub(crate) pool: rayon::ThreadPool,
    pub(crate) tokio: tokio::runtime::Handle,
    trace: Option<Trace>,
}

/// Starlark recursion is native recursion, and evaluation happens on the pool.
const POOL_STACK: usize = 16 << 20;

impl Engine {
    /// Solves the rules for the queries and checks that all services are there. Every error of
    /// the rule set is returned at once.
    pub fn new(parts: Parts) -> Result<Engine, Vec<Diag>> {
        let one = |error: Diag| vec![error];
        let mut types = Types::collect(&parts.rules).map_err(one)?;
        let queries = parts.queries.iter().map(|query| types.query(query));
        let queries = queries.collect::<Result<Vec<_>, _>>().map_err(one)?;
        let solved = solve(&types.set, &queries).map_err(|errors| {
            errors
                .into_iter()
                .map(|error| error.diag)
                .collect::<Vec<_>>()
        })?;
        let plans = plans(&types.set, &solved, &parts.rules).map_err(one)?;
        check_services(&plans, &parts.services)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(parts.threads.max(1))
            .stack_size(POOL_STACK)
            .thread_name(|at| format!("kiln-cpu-{at}"))
            .build()
            .map_err(|error| one(Diag::environment(format!("cannot start threads: {error}"))))?;
        let tokio = tokio::runtime::Handle::try_current()
            .map_err(|_| one(Diag::internal("the engine was made outside of a runtime")))?;
        let services = parts.services;
        let trace = parts.trace;
        let core = Arc::new(Core {
            types,
            solved,
            plans,
            services,
            pool,
            tokio,
            trace,
        });
        let graph = Graph::new(core.clone());
        Ok(Engine { core, graph })
    }

    /// Begins a session: all its queries see one version of the world.
    pub fn session(&self) -> Session {
        Session {
            core: self.core.clone(),
            session: self.graph.session(),
        }
    }

    /// Lets the results of these rules be asked for again by sessions begun from now on: leaves,
    /// whose files may have changed. What depends on them runs again only if they did.
    pub fn invalidate(&self, rules: &[&str]) {
        let named = |key: &NodeKey| rules.contains(&self.core.plan(key).def.name);
        self.graph.invalidate_where(named);
    }

    /// For when the process is about to end: what was remembered is not taken apart, only let go.
    /// Services end as always.
    pub fn leave_to_exit(&self) {
        self.graph.leave_to_exit();
    }

    /// The rules, for those who explain them.
    pub fn rule_set(&self) -> &RuleSet {
        &self.core.types.set
    }

    /// The solved graph, for those who explain it.
    pub fn rule_graph(&self) -> &RuleGraph {
        &self.core.solved
    }
}

fn check_services(plans: &[Plan], services: &Services) -> Result<(), Vec<Diag>> {
    let mut errors: Vec<Diag> = Vec::new();
    for plan in plans {
        for TypeRef { id, name, .. } in plan.def.uses {
            if services.get(*id).is_none() {
                let message = format!(
                    "rule `{}` uses the missing service `{}`",
                    plan.def.name,
                    name()
                );
                let error = Diag::internal(message);
                if !errors.contains(&error) {
                    errors.push(error);
                }
            }
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// One run of commands over an engine.
pub struct Session {
    core: Arc<Core>,
    session: kiln_graph::Session<Core>,
}

impl Session {
    /// Asks for an `O`, with values of `I`. The pair must be among the engine's queries (RG-060).
    pub async fn query<O: Product, I: Inputs>(&self, input: I) -> Result<Arc<O>, Diag> {
        let key = self.core.root::<O, I>(input)?;
        let value = self.session.get(key).await?;
        value
            .downcast()
            .ok_or_else(|| Diag::internal("a query was answered by another type"))
    }
}

impl Core {
    pub(crate) fn plan(&self, key: &NodeKey) -> &Plan {
        &self.plans[key.instance.index()]
    }

    fn root<O: Product, I: Inputs>(&self, input: I) -> Result<NodeKey, Diag> {
        let unknown = || {
            let (output, input) = (std::any::type_name::<O>(), std::any::type_name::<I>());
            Diag::internal(format!(
                "no query for `{output}` from `{input}` was registered"
            ))
        };
        let types = I::types()
            .iter()
            .map(|ty| self.types.find(ty.id))
            .collect::<Option<Vec<_>>>();
        let types = types.ok_or_else(unknown)?;
        let output = self.types.find(TypeRef::of::<O>().id).ok_or_else(unknown)?;
        let root = self.solved.lookup(output, &types).map_err(|_| unknown())?;
        let Source::Instance(instance) = root.source else {
            return Err(unknown());
        };
        let values = input.into_values();
        let live = &self.solved.instance(instance).live;
        let params = live.iter().map(|ty| types.iter().position(|t| t == ty));
        let params: Option<SmallVec<[ParamValue; 2]>> =
            params.map(|at| at.map(|at| values[at].clone())).collect();
        Ok(NodeKey {
            instance,
            params: params.ok_or_else(unknown)?,
        })
    }
}

impl Compute for Core {
    type Key = NodeKey;
    type Value = ProductValue;
    type Error = Diag;

    fn compute(
        self: Arc<Self>,
        key: NodeKey,
        cx: NodeCx<Core>,
    ) -> BoxFuture<'static, Result<ProductValue, Diag>> {
        async move {
            let plan = self.plan(&key);
            if let Some(trace) = &self.trace {
                trace(plan.def.name, &key.params);
            }
            let arguments = arguments(plan, &key, &cx).await?;
            let run = plan.def.run;
            let runtime = NodeRuntime {
                core: self.clone(),
                key,
                cx,
            };
            run(Arc::new(runtime), arguments).await
        }
        .boxed()
    }

    fn cycle(&self, path: Vec<NodeKey>) -> Diag {
        // What a person can act on is the subjects (targets, files), not the rules in between.
        let mut subjects: Vec<String> = Vec::new();
        for key in &path {
            let live = &self.solved.instance(key.instance).live;
            let mut own = live.iter().zip(&key.params);
            let subject = match own.find(|(ty, _)| !self.types.set.is_ambient(**ty)) {
                Some((_, param)) => format!("{param:?}"),
                None => self.plan(key).def.name.to_owned(),
            };
            if subjects.last() != Some(&subject) {
                subjects.push(subject);
            }
        }
        if subjects.len() > 1 && subjects.first() == subjects.last() {
            subjects.pop();
        }
        // A circle has no beginning: one that does not depend on who came first.
        let smallest = subjects
            .iter()
            .enumerate()
            .min_by_key(|(_, subject)| *subject);
        let first = smallest.map_or(0, |(at, _)| at);
        subjects.rotate_left(first);
        subjects.extend(subjects.first().cloned());
        let mut diag = Diag::build(CYCLE);
        for (at, subject) in subjects.iter().enumerate() {
            diag = diag.note(format!(
                "{}`{subject}`",
                if at == 0 { "" } else { "needs " }
            ));
        }
        diag
    }
}

async fn arguments(plan: &Plan, key: &NodeKey, cx: &NodeCx<Core>) -> Result<Arguments, Diag> {
    let nodes: Vec<NodeKey> = plan
        .args
        .iter()
        .filter_map(|supply| match supply {
            Supply::Param(_) => None,
            Supply::Node(instance, params) => Some(node_key(*instance, params, &key.params, &[])),
        })
        .collect();
    let answers = if nodes.is_empty() {
        Vec::new()
    } else {
        cx.get_all(nodes).await
    };
    let mut answers = answers.into_iter();
    let mut arguments = Arguments(SmallVec::new());
    for supply in &plan.args {
        arguments.0.push(match supply {
            Supply::Param(at) => key.params[*at].clone().into_input(),
            Supply::Node(..) => match answers.next() {
                Some(answer) => answer?.into_input(),
                None => return Err(Diag::internal("an input was not answered")),
            },
        });
    }
    Ok(arguments)
}
