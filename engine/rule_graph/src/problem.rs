//! The input in the solver's own terms: shapes with keys, types numbered by name.
//!
//! Only what the queries reach becomes a shape, so rules out of reach cost nothing and are not
//! validated (RG-024).

use std::collections::HashMap;
use std::sync::Arc;

use crate::rule_set::{Get, Query, RuleIx, RuleSet, TypeIx};
use crate::set::Set;

/// A type's number inside the solver: types that someone hands out first, then by name. So it
/// does not depend on the order of declarations.
pub(crate) type Ty = u16;

/// Index into [`Problem::shapes`].
pub(crate) type ShapeId = usize;

/// Everything the phases work on.
pub(crate) struct Problem<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) shapes: Vec<Shape>,
    /// The declared queries, sorted, then the implicit ones of re-entries.
    pub(crate) asks: Vec<Ask>,
    /// How many of `asks` are declared.
    pub(crate) declared: usize,
    pub(crate) ambient: Set,
    /// Types that a query or a reachable Get hands out: only these can be params.
    pub(crate) handed: Set,
    numbers: Vec<Ty>,
    types: Vec<TypeIx>,
}

/// What is solved: a rule less its explicit arguments, or a re-entry.
pub(crate) struct Shape {
    pub(crate) body: ShapeBody,
    /// Params that it lives on in any case.
    pub(crate) fixed: Set,
    /// Sorted by need, without repeats (RG-019).
    pub(crate) keys: Vec<Key>,
    pub(crate) masked: Set,
    /// The key of each positional input that is not explicit.
    pub(crate) args: Vec<usize>,
    /// The key or keys of each Get.
    pub(crate) gets: Vec<Slot>,
}

/// What a shape stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ShapeBody {
    Rule {
        rule: RuleIx,
        explicit: usize,
    },
    /// Re-enters at the implicit query `ask`.
    Reentry {
        ask: usize,
    },
}

/// How a declared Get is spread over keys.
pub(crate) enum Slot {
    One(usize),
    Union(Vec<(Ty, usize)>),
}

/// What is needed: RG-002's dependency key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Need {
    pub(crate) output: Ty,
    pub(crate) provides: Set,
    pub(crate) in_scope: Option<Set>,
    pub(crate) call: Option<(Arc<str>, usize)>,
}

impl Need {
    /// A positional input.
    pub(crate) fn input(output: Ty) -> Need {
        Need {
            output,
            provides: Set::new(),
            in_scope: None,
            call: None,
        }
    }

    /// Whether a param may answer it.
    pub(crate) fn is_positional(&self) -> bool {
        self.provides.is_empty() && self.in_scope.is_none() && self.call.is_none()
    }
}

/// A need of a shape with the shapes that may answer it.
pub(crate) struct Key {
    pub(crate) need: Need,
    pub(crate) positional: bool,
    /// Positional, and the type can be a param at all.
    pub(crate) param: bool,
    pub(crate) candidates: Vec<ShapeId>,
    /// Line of the Get, 0 if unknown.
    pub(crate) line: u32,
}

/// A query, declared or implicit.
pub(crate) struct Ask {
    pub(crate) output: Ty,
    pub(crate) params: Set,
    pub(crate) candidates: Vec<ShapeId>,
}

impl Ask {
    /// Whether it is answered by its own param if nothing smaller is found (RG-022).
    pub(crate) fn own_param(&self) -> bool {
        self.params.contains(self.output)
    }
}

impl<'a> Problem<'a> {
    /// Reads rules and queries. Rule names must be unique.
    pub(crate) fn new(rules: &'a RuleSet, queries: &[Query]) -> Problem<'a> {
        Lowering::new(rules, queries).run(queries)
    }

    /// The public index of a type.
    pub(crate) fn type_ix(&self, ty: Ty) -> TypeIx {
        self.types[usize::from(ty)]
    }

    /// The solver's number of a type.
    pub(crate) fn number(&self, ix: TypeIx) -> Ty {
        self.numbers[ix.index()]
    }

    /// The name of a type.
    pub(crate) fn name(&self, ty: Ty) -> &'a str {
        self.rules.type_name(self.type_ix(ty))
    }

    /// The public, ascending form of a set.
    pub(crate) fn type_ixs(&self, set: &Set) -> Vec<TypeIx> {
        let mut list: Vec<TypeIx> = set.iter().map(|ty| self.type_ix(ty)).collect();
        list.sort();
        list
    }

    /// What is consumed when these params are taken as inputs.
    pub(crate) fn consumed(&self, taken: &Set) -> Set {
        taken.minus(&self.ambient)
    }
}

struct Lowering<'a> {
    problem: Problem<'a>,
    makers: Vec<Vec<RuleIx>>,
    by_name: HashMap<&'a str, RuleIx>,
    rule_shapes: HashMap<(RuleIx, usize), ShapeId>,
    reentries: HashMap<Need, ShapeId>,
    implicit: HashMap<Need, usize>,
    /// Shapes whose keys are still to be made, with their needs.
    open: Vec<(ShapeId, Vec<(Need, u32)>)>,
}

impl<'a> Lowering<'a> {
    fn new(rules: &'a RuleSet, queries: &[Query]) -> Lowering<'a> {
        let (numbers, types) = number_types(rules, queries);
        let mut sorted: Vec<usize> = (0..rules.rules().len()).collect();
        sorted.sort_by_key(|at| &rules.rules()[*at].name);
        let mut makers = vec![Vec::new(); types.len()];
        let mut by_name = HashMap::new();
        for at in sorted {
            let rule = &rules.rules()[at];
            let ix = RuleIx(at as u32);
            makers[usize::from(numbers[rule.output.index()])].push(ix);
            by_name.insert(&*rule.name, ix);
        }
        let ambient = rules.types().filter(|ix| rules.is_ambient(*ix));
        let ambient = ambient.map(|ix| numbers[ix.index()]).collect();
        Lowering {
            problem: Problem {
                rules,
                shapes: Vec::new(),
                asks: Vec::new(),
                declared: 0,
                ambient,
                handed: Set::new(),
                numbers,
                types,
            },
            makers,
            by_name,
            rule_shapes: HashMap::new(),
            reentries: HashMap::new(),
            implicit: HashMap::new(),
            open: Vec::new(),
        }
    }

    fn run(mut self, queries: &[Query]) -> Problem<'a> {
        let mut asks: Vec<(Ty, Set)> = queries.iter().map(|query| self.ask(query)).collect();
        asks.sort();
        asks.dedup();
        self.problem.declared = asks.len();
        for (output, params) in asks {
            self.problem.handed.add(&params);
            let candidates = self.candidates(&Need::input(output));
            self.problem.asks.push(Ask {
                output,
                params,
                candidates,
            });
        }
        while let Some((shape, needs)) = self.open.pop() {
            for (need, line) in needs {
                let candidates = self.candidates(&need);
                self.problem.handed.add(&need.provides);
                self.problem
                    .handed
                    .add(need.in_scope.as_ref().unwrap_or(&Set::new()));
                let positional = need.is_positional();
                let key = Key {
                    need,
                    positional,
                    param: false,
                    candidates,
                    line,
                };
                self.problem.shapes[shape].keys.push(key);
            }
        }
        for key in self
            .problem
            .shapes
            .iter_mut()
            .flat_map(|shape| &mut shape.keys)
        {
            key.param = key.positional && self.problem.handed.contains(key.need.output);
        }
        self.problem
    }

    fn ask(&self, query: &Query) -> (Ty, Set) {
        (
            self.problem.number(query.output()),
            self.set(query.params()),
        )
    }

    fn set(&self, types: &[TypeIx]) -> Set {
        types.iter().map(|ix| self.problem.number(*ix)).collect()
    }

    fn candidates(&mut self, need: &Need) -> Vec<ShapeId> {
        if need.in_scope.is_some() {
            return vec![self.reentry(need)];
        }
        let Some((name, explicit)) = &need.call else {
            let makers = self.makers[usize::from(need.output)].clone();
            return makers
                .into_iter()
                .map(|rule| self.rule_shape(rule, 0))
                .collect();
        };
        match self.by_name.get(&**name) {
            Some(ix) if self.can_be_called(*ix, need.output, *explicit) => {
                let ix = *ix;
                vec![self.rule_shape(ix, *explicit)]
            }
            _ => Vec::new(),
        }
    }

    fn can_be_called(&self, ix: RuleIx, output: Ty, explicit: usize) -> bool {
        let rule = self.problem.rules.rule(ix);
        self.problem.number(rule.output) == output && explicit <= rule.inputs.len()
    }

    fn rule_shape(&mut self, rule: RuleIx, explicit: usize) -> ShapeId {
        if let Some(shape) = self.rule_shapes.get(&(rule, explicit)) {
            return *shape;
        }
        let rules = self.problem.rules;
        let declared = rules.rule(rule);
        let mut needs = NeedList::default();
        let inputs = &declared.inputs[explicit..];
        let args = inputs
            .iter()
            .map(|ix| needs.add(Need::input(self.problem.number(*ix)), 0));
        let args: Vec<usize> = args.collect();
        let gets: Vec<Slot> = declared
            .gets
            .iter()
            .map(|get| self.slot(get, &mut needs))
            .collect();
        let (needs, place) = needs.sorted();
        let shape = self.add_shape(Shape {
            body: ShapeBody::Rule { rule, explicit },
            fixed: Set::new(),
            keys: Vec::new(),
            masked: self.set(&declared.masked),
            args: args.into_iter().map(|at| place[at]).collect(),
            gets: gets.into_iter().map(|slot| slot.moved(&place)).collect(),
        });
        self.rule_shapes.insert((rule, explicit), shape);
        self.open.push((shape, needs));
        shape
    }

    fn slot(&self, get: &Get, needs: &mut NeedList) -> Slot {
        let provides = self.set(&get.provides);
        let need = |provides: Set| Need {
            output: self.problem.number(get.output),
            provides,
            in_scope: get.in_scope.as_ref().map(|types| self.set(types)),
            call: get.call.clone().map(|name| (name, get.explicit_args)),
        };
        if get.members.is_empty() {
            return Slot::One(needs.add(need(provides), get.line));
        }
        let members = self.set(&get.members);
        let member = |ty: Ty| (ty, needs.add(need(provides.union(&Set::of(ty))), get.line));
        Slot::Union(members.iter().map(member).collect())
    }

    fn reentry(&mut self, need: &Need) -> ShapeId {
        if let Some(shape) = self.reentries.get(need) {
            return *shape;
        }
        let visible = need.in_scope.clone().unwrap_or_default();
        let ask = self.implicit_ask(Need {
            output: need.output,
            provides: need.provides.union(&visible),
            in_scope: None,
            call: need.call.clone(),
        });
        let inputs = visible.minus(&need.provides);
        let shape = self.add_shape(Shape {
            body: ShapeBody::Reentry { ask },
            fixed: need.provides.clone(),
            keys: Vec::new(),
            masked: Set::new(),
            args: (0..inputs.len()).collect(),
            gets: Vec::new(),
        });
        self.reentries.insert(need.clone(), shape);
        let needs = inputs.iter().map(|ty| (Need::input(ty), 0)).collect();
        self.open.push((shape, needs));
        shape
    }

    fn implicit_ask(&mut self, need: Need) -> usize {
        if let Some(ask) = self.implicit.get(&need) {
            return *ask;
        }
        let candidates = self.candidates(&Need {
            provides: Set::new(),
            ..need.clone()
        });
        self.problem.asks.push(Ask {
            output: need.output,
            params: need.provides.clone(),
            candidates,
        });
        self.implicit.insert(need, self.problem.asks.len() - 1);
        self.problem.asks.len() - 1
    }

    fn add_shape(&mut self, shape: Shape) -> ShapeId {
        self.problem.shapes.push(shape);
        self.problem.shapes.len() - 1
    }
}

impl Slot {
    fn moved(self, place: &[usize]) -> Slot {
        match self {
            Slot::One(at) => Slot::One(place[at]),
            Slot::Union(members) => Slot::Union(
                members
                    .into_iter()
                    .map(|(ty, at)| (ty, place[at]))
                    .collect(),
            ),
        }
    }
}

/// Collects needs; equal ones collapse.
#[derive(Default)]
struct NeedList {
    needs: Vec<(Need, u32)>,
    known: HashMap<Need, usize>,
}

impl NeedList {
    fn add(&mut self, need: Need, line: u32) -> usize {
        if let Some(at) = self.known.get(&need) {
            let known = &mut self.needs[*at].1;
            if line != 0 && (*known == 0 || line < *known) {
                *known = line;
            }
            return *at;
        }
        self.known.insert(need.clone(), self.needs.len());
        self.needs.push((need, line));
        self.needs.len() - 1
    }

    /// The needs in order, and where each went.
    fn sorted(self) -> (Vec<(Need, u32)>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.needs.len()).collect();
        order.sort_by_key(|at| &self.needs[*at].0);
        let mut place = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old] = new;
        }
        let mut needs = self.needs;
        needs.sort();
        (needs, place)
    }
}

/// Numbers for types, and the types by number: those that can be params first, so that sets of
/// params are short, and by name among themselves.
fn number_types(rules: &RuleSet, queries: &[Query]) -> (Vec<Ty>, Vec<TypeIx>) {
    let mut types: Vec<TypeIx> = rules.types().collect();
    let mut handed = vec![false; types.len()];
    let gets = rules.rules().iter().flat_map(|rule| &rule.gets);
    let in_gets = gets.flat_map(|get| {
        let visible = get.in_scope.iter().flatten();
        get.provides.iter().chain(&get.members).chain(visible)
    });
    for ix in queries.iter().flat_map(Query::params).chain(in_gets) {
        handed[ix.index()] = true;
    }
    types.sort_by_key(|ix| (!handed[ix.index()], rules.type_name(*ix)));
    let mut numbers = vec![0; types.len()];
    for (number, ix) in types.iter().enumerate() {
        numbers[ix.index()] = number as Ty;
    }
    (numbers, types)
}
