//! What the solver makes: every dependency of every rule decided.

use kiln_diag::Diag;

use crate::dump::names;
use crate::rule_set::{Query, RuleIx, RuleSet, TypeIx};

/// The solved graph: only what the queries reach (RG-035).
///
/// Instances are sorted by rule name, explicit arguments and live set, so equal input in any
/// order gives the same list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleGraph {
    pub(crate) instances: Vec<Instance>,
    pub(crate) roots: Vec<Root>,
}

/// Index of an [`Instance`] in [`RuleGraph::instances`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(pub u32);

impl InstanceId {
    /// The index as one of a slice.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One rule (or re-entry) with every dependency decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// What runs.
    pub body: Body,
    /// The param types it lives on, ascending. Their values in this order, with the instance
    /// itself and any explicit arguments, are its memo key (RG-006).
    pub live: Vec<TypeIx>,
    /// Sources of the positional inputs that are not passed explicitly: for a rule those of
    /// `inputs[explicit_args..]`, for a re-entry those of its `inputs`.
    pub args: Vec<Source>,
    /// Sources of the Gets, same order as [`Rule::gets`](crate::Rule::gets). Empty for a
    /// re-entry.
    pub gets: Vec<Source>,
}

/// What an [`Instance`] runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// A rule.
    Rule {
        /// Which rule.
        rule: RuleIx,
        /// How many leading inputs the caller passes as values.
        explicit_args: usize,
    },
    /// A Get with `in_scope` (RG-016): the values of `inputs` are made (or taken from the
    /// params), and `answer` then runs with those and the provided params, and nothing else.
    Reentry {
        /// The implicit query: provided and in-scope params.
        query: Query,
        /// The params that the Get provides, ascending.
        provided: Vec<TypeIx>,
        /// The in-scope types that are not provided, ascending; their sources are `args`.
        inputs: Vec<TypeIx>,
        /// What answers the implicit query.
        answer: Source,
    },
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The value of a param in the live set of the instance that needs it.
    Param(TypeIx),
    /// The result of an instance. The params in its live set are those that the Get provides,
    /// and the needing instance's own for the others.
    Instance(InstanceId),
    /// For a Get of a union: per member, ascending, what runs if the input is of that type.
    Union(Vec<(TypeIx, InstanceId)>),
}

/// A query and what answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The query.
    pub query: Query,
    /// An instance whose live set is part of the query's params, or one of these params itself.
    pub source: Source,
}

impl RuleGraph {
    /// All instances, indexed by [`InstanceId`].
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The instance of that id.
    pub fn instance(&self, id: InstanceId) -> &Instance {
        &self.instances[id.index()]
    }

    /// The answered queries, ascending by output and params.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// The rules that no query reaches, ascending (RG-024: they are not validated; a lint may
    /// show them).
    pub fn unused_rules(&self, rules: &RuleSet) -> Vec<RuleIx> {
        let mut used = vec![false; rules.rules().len()];
        for instance in &self.instances {
            if let Body::Rule { rule, .. } = &instance.body {
                used[rule.index()] = true;
            }
        }
        let unused = used.iter().enumerate().filter(|(_, used)| !**used);
        unused.map(|(at, _)| RuleIx(at as u32)).collect()
    }

    /// The root that serves a request for `output` with values of the types `params` (RG-060):
    /// the query of exactly these params, else the only one whose params are among them.
    pub fn lookup(&self, output: TypeIx, params: &[TypeIx]) -> Result<&Root, LookupError> {
        let wanted = Query::new(output, params.iter().copied());
        if let Ok(found) = self.roots.binary_search_by(|root| root.query.cmp(&wanted)) {
            return Ok(&self.roots[found]);
        }
        let of_output = || {
            self.roots
                .iter()
                .filter(move |root| root.query.output() == output)
        };
        let fits = |root: &&Root| {
            let mut own = root.query.params().iter();
            own.all(|param| wanted.params().binary_search(param).is_ok())
        };
        let mut fitting = of_output().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(root), None) => Ok(root),
            (Some(_), Some(_)) => Err(LookupError::MoreThanOne {
                wanted: wanted.clone(),
                fitting: of_output().filter(fits).map(|r| r.query.clone()).collect(),
            }),
            (None, _) => match of_output().map(|r| r.query.clone()).collect::<Vec<_>>() {
                known if known.is_empty() => Err(LookupError::UnknownOutput { wanted }),
                known => Err(LookupError::NotFromTheseParams { wanted, known }),
            },
        }
    }
}

/// Why no root serves a request (RG-060).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// Several queries fit; the largest is not preferred.
    MoreThanOne {
        /// The request.
        wanted: Query,
        /// The queries that fit.
        fitting: Vec<Query>,
    },
    /// There are queries of that output, but all need other params.
    NotFromTheseParams {
        /// The request.
        wanted: Query,
        /// The queries of that output.
        known: Vec<Query>,
    },
    /// No query has that output.
    UnknownOutput {
        /// The request.
        wanted: Query,
    },
}

impl LookupError {
    /// The message, which lists the queries that there are (RG-060).
    pub fn to_diag(&self, rules: &RuleSet) -> Diag {
        let name = |query: &Query| match &names(rules, query.params())[..] {
            "" => format!("`{}` from no params", rules.type_name(query.output())),
            params => format!("`{}` from ({params})", rules.type_name(query.output())),
        };
        let list = |diag: Diag, queries: &[Query]| {
            queries
                .iter()
                .fold(diag, |diag, query| diag.note(name(query)))
        };
        match self {
            LookupError::MoreThanOne { wanted, fitting } => {
                let text = format!("several queries serve a request for {}", name(wanted));
                list(Diag::internal(text), fitting)
                    .hint("ask with exactly the params of one of them")
            }
            LookupError::NotFromTheseParams { wanted, known } => {
                let text = format!("no query serves a request for {}", name(wanted));
                list(Diag::internal(text), known)
                    .hint("give the params of one of these, or register the query")
            }
            LookupError::UnknownOutput { wanted } => {
                Diag::internal(format!("no query serves a request for {}", name(wanted)))
                    .hint(format!("register the query {}", name(wanted)))
            }
        }
    }
}
