//! Generated rule sets: ordinary ones of any size, and hostile ones.
//!
//! Everything is drawn from a seeded generator of our own, so a set is named by its parameters.

use kiln_rule_graph::{Get, Query, Rule, RuleSet, TypeIx};

/// A rule set and its queries.
pub struct Generated {
    /// The rules.
    pub rules: RuleSet,
    /// The queries.
    pub queries: Vec<Query>,
}

/// A small generator of numbers (xorshift), good enough to draw rule sets.
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of the items.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Changes the order of the items.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// The type of that name.
pub fn ty(rules: &mut RuleSet, name: &str) -> TypeIx {
    rules.add_type(name).expect("few types")
}

/// How an ordinary set is made.
#[derive(Clone, Copy)]
pub struct Ordinary {
    /// Pairs of a request type and a maker for it.
    pub requests: usize,
    /// Most Gets of one maker.
    pub gets: usize,
    /// One in so many requests can be made from another one as well.
    pub convertible: usize,
    /// Which set of this sort.
    pub seed: u64,
}

/// A set like that of a build tool: options and a session are ambient; tools and subsystems are
/// made from them; a maker takes its request and some tools and asks for products of later
/// layers, one in twelve times of an earlier one; some requests can be converted from others,
/// and half of the callers make use of that.
pub fn ordinary(shape: Ordinary) -> Generated {
    let mut random = Random::new(shape.seed);
    let mut rules = RuleSet::new();
    let ambient: Vec<TypeIx> = ["Environment", "Options", "Platform", "Session"]
        .iter()
        .map(|name| {
            let ix = ty(&mut rules, name);
            rules.set_ambient(ix);
            ix
        })
        .collect();
    let tools = tools(&mut rules, &mut random, &ambient, shape.requests / 4 + 4);
    let named = |rules: &mut RuleSet, what: &str, at: usize| ty(rules, &format!("{what}{at:04}"));
    let count = shape.requests;
    let requests: Vec<TypeIx> = (0..count)
        .map(|at| named(&mut rules, "Request", at))
        .collect();
    let products: Vec<TypeIx> = (0..count)
        .map(|at| named(&mut rules, "Product", at))
        .collect();
    let mut sources: Vec<TypeIx> = requests.clone();
    for at in 0..count {
        if random.one_in(shape.convertible) {
            let from = named(&mut rules, "Source", at);
            let mut rule = Rule::new(format!("request_{at:04}_from_source"), requests[at]);
            rule.inputs.push(from);
            rules.add_rule(rule);
            sources[at] = from;
        }
    }
    for at in 0..count {
        let mut rule = Rule::new(format!("make_{at:04}"), products[at]);
        rule.inputs.push(requests[at]);
        for _ in 0..random.below(3) {
            rule.inputs.push(random.pick(&tools));
        }
        for _ in 0..1 + random.below(shape.gets) {
            let later = at + 1 + random.below(count / 8 + 1);
            let to = match random.one_in(12) {
                true => random.below(at + 1),
                false => later,
            };
            if to < count {
                let provided = if random.one_in(2) {
                    sources[to]
                } else {
                    requests[to]
                };
                rule.gets.push(Get::new(products[to], vec![provided]));
            }
        }
        rules.add_rule(rule);
    }
    let queries = (0..10).map(|at| {
        let to = at * count / 40;
        Query::new(products[to], ambient.iter().copied().chain([requests[to]]))
    });
    let queries = queries.collect();
    Generated { rules, queries }
}

fn tools(
    rules: &mut RuleSet,
    random: &mut Random,
    ambient: &[TypeIx],
    count: usize,
) -> Vec<TypeIx> {
    let mut tools: Vec<TypeIx> = Vec::new();
    for at in 0..count {
        let output = ty(rules, &format!("Tool{at:04}"));
        let mut rule = Rule::new(format!("tool_{at:04}"), output);
        rule.inputs.push(random.pick(ambient));
        if !tools.is_empty() && random.one_in(2) {
            rule.inputs.push(random.pick(&tools));
        }
        rules.add_rule(rule);
        tools.push(output);
    }
    tools
}

/// `inputs` inputs that each have `ways` makers from params in scope: `ways^inputs` sets.
pub fn alternatives(ways: usize, inputs: usize) -> Generated {
    let mut rules = RuleSet::new();
    let goal = ty(&mut rules, "Goal");
    let mut top = Rule::new("goal", goal);
    let mut params = Vec::new();
    for input in 0..inputs {
        let made = ty(&mut rules, &format!("Made{input:02}"));
        top.inputs.push(made);
        for way in 0..ways {
            let param = ty(&mut rules, &format!("Param{input:02}x{way:02}"));
            params.push(param);
            let mut rule = Rule::new(format!("made_{input:02}_{way:02}"), made);
            rule.inputs.push(param);
            rules.add_rule(rule);
        }
    }
    rules.add_rule(top);
    Generated {
        rules,
        queries: vec![Query::new(goal, params)],
    }
}

/// The same alternatives, each behind a Get that provides what selects it.
pub fn selected_alternatives(ways: usize, inputs: usize) -> Generated {
    let mut set = alternatives(ways, inputs);
    let goal = ty(&mut set.rules, "Driver");
    let mut driver = Rule::new("driver", goal);
    for input in 0..inputs {
        let made = ty(&mut set.rules, &format!("Made{input:02}"));
        for way in 0..ways {
            let param = ty(&mut set.rules, &format!("Param{input:02}x{way:02}"));
            driver.gets.push(Get::new(made, vec![param]));
        }
    }
    set.rules.add_rule(driver);
    set.queries = vec![Query::new(goal, [])];
    set
}

/// `count` rules, each of which Gets the products of all.
pub fn everything_gets_everything(count: usize) -> Generated {
    let mut rules = RuleSet::new();
    let types: Vec<(TypeIx, TypeIx)> = (0..count)
        .map(|at| {
            let request = ty(&mut rules, &format!("Request{at:03}"));
            (request, ty(&mut rules, &format!("Product{at:03}")))
        })
        .collect();
    for (at, (request, product)) in types.iter().enumerate() {
        let mut rule = Rule::new(format!("make_{at:03}"), *product);
        rule.inputs.push(*request);
        let gets = types
            .iter()
            .map(|(request, product)| Get::new(*product, vec![*request]));
        rule.gets.extend(gets);
        rules.add_rule(rule);
    }
    let queries = vec![Query::new(types[0].1, [types[0].0])];
    Generated { rules, queries }
}

/// Rules over few types with inputs, Gets and masks drawn at random: nearly all are mutually
/// recursive.
pub fn tangle(rule_count: usize, type_count: usize, seed: u64) -> Generated {
    let mut random = Random::new(seed);
    let mut rules = RuleSet::new();
    let types: Vec<TypeIx> = (0..type_count)
        .map(|at| ty(&mut rules, &format!("T{at:02}")))
        .collect();
    for at in 0..rule_count {
        let mut rule = Rule::new(format!("r{at:03}"), random.pick(&types));
        for _ in 0..random.below(3) {
            rule.inputs.push(random.pick(&types));
        }
        for _ in 0..random.below(3) {
            let provides = (0..1 + random.below(2)).map(|_| random.pick(&types));
            let provides = provides.collect();
            rule.gets.push(Get::new(random.pick(&types), provides));
        }
        if random.one_in(8) {
            rule.masked.push(random.pick(&types));
        }
        rules.add_rule(rule);
    }
    let queries = (0..3).map(|_| {
        let params: Vec<TypeIx> = (0..1 + random.below(3))
            .map(|_| random.pick(&types))
            .collect();
        Query::new(random.pick(&types), params)
    });
    let queries = queries.collect();
    Generated { rules, queries }
}

/// A Get that provides `count` params to a rule that can have each of them consumed by any of
/// `count` inputs.
pub fn debts(count: usize) -> Generated {
    let mut rules = RuleSet::new();
    let goal = ty(&mut rules, "Goal");
    let made = ty(&mut rules, "Made");
    let params: Vec<TypeIx> = (0..count)
        .map(|at| ty(&mut rules, &format!("P{at:02}")))
        .collect();
    let mut middle = Rule::new("made", made);
    for input in 0..count {
        let output = ty(&mut rules, &format!("Input{input:02}"));
        middle.inputs.push(output);
        for (at, param) in params.iter().enumerate() {
            let mut rule = Rule::new(format!("input_{input:02}_{at:02}"), output);
            rule.inputs.push(*param);
            rules.add_rule(rule);
        }
    }
    let mut top = Rule::new("goal", goal);
    top.gets.push(Get::new(made, params));
    rules.add_rule(middle);
    rules.add_rule(top);
    Generated {
        rules,
        queries: vec![Query::new(goal, [])],
    }
}

/// A chain of `length` rules, each of which makes the input of the one before.
pub fn chain(length: usize) -> Generated {
    let mut rules = RuleSet::new();
    let types: Vec<TypeIx> = (0..=length)
        .map(|at| ty(&mut rules, &format!("Link{at:05}")))
        .collect();
    for at in 0..length {
        let mut rule = Rule::new(format!("link_{at:05}"), types[at]);
        rule.inputs.push(types[at + 1]);
        rules.add_rule(rule);
    }
    let queries = vec![Query::new(types[0], [types[length]])];
    Generated { rules, queries }
}
