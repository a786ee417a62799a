//! From Rust types to the solver's numbers.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_rule_graph::{Get, Query, Rule, RuleSet, TypeIx};
use kiln_rules::def::{QueryDef, RuleDef, TypeRef};

/// The rule set of a product and the numbers of its types.
pub(crate) struct Types {
    pub(crate) set: RuleSet,
    by_id: HashMap<TypeId, TypeIx>,
}

impl Types {
    /// Collects the types and rules of `defs`, in order.
    pub(crate) fn collect(defs: &[&'static RuleDef]) -> Result<Types, Diag> {
        let mut types = Types {
            set: RuleSet::new(),
            by_id: HashMap::new(),
        };
        for def in defs {
            let rule = types.rule(def)?;
            types.set.add_rule(rule);
        }
        Ok(types)
    }

    /// The query as the solver knows it.
    pub(crate) fn query(&mut self, def: &QueryDef) -> Result<Query, Diag> {
        let output = self.index(&def.output)?;
        let params = def
            .params
            .iter()
            .map(|ty| self.index(ty))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Query::new(output, params))
    }

    /// The number of a type, if any rule or query names it.
    pub(crate) fn find(&self, id: TypeId) -> Option<TypeIx> {
        self.by_id.get(&id).copied()
    }

    fn rule(&mut self, def: &RuleDef) -> Result<Rule, Diag> {
        let mut rule = Rule::new(def.name, self.index(&def.output)?);
        rule.file = Arc::from(def.file);
        rule.line = def.line;
        rule.inputs = def
            .inputs
            .iter()
            .map(|ty| self.index(ty))
            .collect::<Result<_, _>>()?;
        for get in def.gets {
            let provides = (get.provides)();
            let provides = provides
                .iter()
                .map(|ty| self.index(ty))
                .collect::<Result<_, _>>()?;
            let mut declared = Get::new(self.index(&get.output)?, provides);
            declared.call = get.call.map(|call| Arc::from(call()));
            declared.line = get.line;
            rule.gets.push(declared);
        }
        Ok(rule)
    }

    /// Types are called by the last part of their path, or by all of it where two share that.
    fn index(&mut self, ty: &TypeRef) -> Result<TypeIx, Diag> {
        let index = match self.by_id.get(&ty.id) {
            Some(index) => *index,
            None => {
                let full = (ty.name)();
                let short = short_name(full);
                let name = if self.set.find_type(&short).is_some() {
                    full
                } else {
                    &short
                };
                let index = self.set.add_type(name)?;
                self.by_id.insert(ty.id, index);
                index
            }
        };
        if ty.ambient {
            self.set.set_ambient(index);
        }
        Ok(index)
    }
}

/// `a::b::C<d::E>` as `C<E>`.
fn short_name(full: &str) -> String {
    let mut short = String::new();
    let mut word = String::new();
    for c in full.chars() {
        match c {
            ':' => word.clear(),
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            c => {
                short.push_str(&word);
                word.clear();
                short.push(c);
            }
        }
    }
    short + &word
}

#[cfg(test)]
mod tests {
    use super::short_name;

    #[test]
    fn names_are_short() {
        assert_eq!(short_name("a::b::C"), "C");
        assert_eq!(short_name("a::C<b::D, e::f::G>"), "C<D, G>");
        assert_eq!(short_name("(a::B, c::D)"), "(B, D)");
    }
}
