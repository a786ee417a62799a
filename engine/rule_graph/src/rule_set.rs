//! What is given to the solver: types, rules and queries.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use kiln_diag::{Diag, Span};

/// Index of a type in a [`RuleSet`]. The solver knows nothing else of a type but its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeIx(pub u16);

impl TypeIx {
    /// The index as one of a slice.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Index of a rule in [`RuleSet::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleIx(pub u32);

impl RuleIx {
    /// The index as one of a slice.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// All types and rules of one product (RG-001). The order in which they were added has no
/// influence on the result of [`solve`](crate::solve), only on the numbers in it (RG-007).
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    types: Vec<TypeInfo>,
    by_name: HashMap<Arc<str>, TypeIx>,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct TypeInfo {
    name: Arc<str>,
    ambient: bool,
}

impl RuleSet {
    /// A set without types and rules.
    pub fn new() -> RuleSet {
        RuleSet::default()
    }

    /// The index of the type called `name`, which is added if it is new. Names are the identity
    /// of types and appear in messages. Fails when there are more than 65,536 types.
    pub fn add_type(&mut self, name: &str) -> Result<TypeIx, Diag> {
        if let Some(ix) = self.by_name.get(name) {
            return Ok(*ix);
        }
        let Ok(number) = u16::try_from(self.types.len()) else {
            return Err(Diag::internal(format!(
                "too many types in the rule graph: `{name}` would be number 65,537"
            )));
        };
        let name: Arc<str> = Arc::from(name);
        self.types.push(TypeInfo {
            name: name.clone(),
            ambient: false,
        });
        self.by_name.insert(name, TypeIx(number));
        Ok(TypeIx(number))
    }

    /// Declares a type ambient: taking it as a positional input does not consume it, so several
    /// rules on one path may read it. A Get that provides it rebinds it for what is below.
    pub fn set_ambient(&mut self, ix: TypeIx) {
        self.types[ix.index()].ambient = true;
    }

    /// Adds a rule. Names have to be unique (RG-003), which [`solve`](crate::solve) checks.
    pub fn add_rule(&mut self, rule: Rule) -> RuleIx {
        self.rules.push(rule);
        RuleIx(self.rules.len() as u32 - 1)
    }

    /// All rules, indexed by [`RuleIx`].
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of that index.
    pub fn rule(&self, ix: RuleIx) -> &Rule {
        &self.rules[ix.index()]
    }

    /// The type of that name, if there is one.
    pub fn find_type(&self, name: &str) -> Option<TypeIx> {
        self.by_name.get(name).copied()
    }

    /// The name of a type.
    pub fn type_name(&self, ix: TypeIx) -> &str {
        &self.types[ix.index()].name
    }

    /// Whether the type is ambient, see [`set_ambient`](RuleSet::set_ambient).
    pub fn is_ambient(&self, ix: TypeIx) -> bool {
        self.types[ix.index()].ambient
    }

    /// All types in the order of their indexes.
    pub fn types(&self) -> impl Iterator<Item = TypeIx> + use<> {
        (0..self.types.len()).map(|number| TypeIx(number as u16))
    }
}

/// One rule: makes `output` out of positional inputs and Gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Unique name.
    pub name: Arc<str>,
    /// File that declares it, as it should be shown.
    pub file: Arc<str>,
    /// Line of the declaration, counted from 1.
    pub line: u32,
    /// The type it makes.
    pub output: TypeIx,
    /// Types of the positional inputs; each is a dependency that provides nothing.
    pub inputs: Vec<TypeIx>,
    /// What its body may ask for.
    pub gets: Vec<Get>,
    /// Param types that must not be part of its memo key (RG-017).
    pub masked: Vec<TypeIx>,
}

impl Rule {
    /// A rule without inputs and Gets.
    pub fn new(name: impl Into<Arc<str>>, output: TypeIx) -> Rule {
        Rule {
            name: name.into(),
            file: Arc::from(""),
            line: 0,
            output,
            inputs: Vec::new(),
            gets: Vec::new(),
            masked: Vec::new(),
        }
    }

    /// Where it is declared; `None` if no file was given.
    pub fn span(&self) -> Option<Span> {
        (!self.file.is_empty()).then(|| Span::new(self.file.clone(), self.line.max(1), 1))
    }
}

/// A Get that a rule declares (RG-002).
///
/// One that provides nothing, restricts nothing and names no rule is the same as a positional
/// input: a param of the output type may answer it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Get {
    /// The type asked for.
    pub output: TypeIx,
    /// The params handed over; each must be consumed by what answers (RG-012).
    pub provides: Vec<TypeIx>,
    /// If given, only these and the provided ones are visible below (RG-016).
    pub in_scope: Option<Vec<TypeIx>>,
    /// The name of the only rule that may answer (RG-014).
    pub call: Option<Arc<str>>,
    /// How many leading inputs of that rule are passed as values (RG-018).
    pub explicit_args: usize,
    /// For a union: the types of which one is provided in addition to `provides`, decided by
    /// the value at run time. Each member is a dependency of its own.
    pub members: Vec<TypeIx>,
    /// Line of the Get in the rule's file if it is known, else 0.
    pub line: u32,
}

impl Get {
    /// A plain Get of `output` that provides `provides`.
    pub fn new(output: TypeIx, provides: Vec<TypeIx>) -> Get {
        Get {
            output,
            provides,
            in_scope: None,
            call: None,
            explicit_args: 0,
            members: Vec::new(),
            line: 0,
        }
    }
}

/// An entry point: `output`, asked for with values of exactly these param types.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Query {
    output: TypeIx,
    params: Vec<TypeIx>,
}

impl Query {
    /// A query; params are a set, so order and repeats don't matter.
    pub fn new(output: TypeIx, params: impl IntoIterator<Item = TypeIx>) -> Query {
        let mut params: Vec<TypeIx> = params.into_iter().collect();
        params.sort();
        params.dedup();
        Query { output, params }
    }

    /// The type asked for.
    pub fn output(&self) -> TypeIx {
        self.output
    }

    /// The param types, ascending and without repeats.
    pub fn params(&self) -> &[TypeIx] {
        &self.params
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} from {:?}", self.output, self.params)
    }
}
