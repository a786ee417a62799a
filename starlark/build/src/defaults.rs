//! `__defaults__`: what attributes are when a target does not give them (BLD-090 … BLD-098).

use std::sync::Arc;

use kiln_address::PackageId;
use kiln_diag::Diag;
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::eval::Evaluator;
use kiln_host::starlark::values::dict::DictRef;
use kiln_host::starlark::values::none::{NoneOr, NoneType};
use kiln_host::starlark::values::tuple::{TupleRef, UnpackTuple};
use kiln_host::starlark::values::{Heap, Value};
use kiln_host::starlark::{self, starlark_module};
use kiln_host::{EvalContext, call_span, raise};
use kiln_targets::{DefaultField, DefaultFields, DefaultValue, Defaults, RuleClass, RuleId};

use crate::coerce::mismatch;
use crate::combinations::{Argument, given_attrs, has_groups};
use crate::literal::{each_value, from_value, to_value};
use crate::package::{PackageState, Pending};
use crate::target::check_default;

/// What messages call the place of defaults.
const PLACE: &str = "__defaults__";

#[starlark_module]
pub(crate) fn defaults_functions(builder: &mut GlobalsBuilder) {
    /// Sets what attributes of targets are that are declared below it, here and in the folders
    /// below, and do not give them.
    fn __defaults__<'v>(
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] all: NoneOr<Value<'v>>,
        #[starlark(require = named, default = false)] extend: bool,
        #[starlark(require = named, default = false)] ignore_unknown_fields: bool,
        #[starlark(require = named, default = false)] ignore_unknown_targets: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let state = PackageState::of(eval, "`__defaults__`")?;
        let before = state.inner().defaults.clone();
        let mut call = Call {
            state,
            target: format!("{}:{PLACE}", state.id),
            eval,
            ignore_fields: ignore_unknown_fields,
            ignore_rules: ignore_unknown_targets,
        };
        let mut next = (*before).clone();
        let old = extend.then_some(&*before);
        call.apply(&mut next, old, all.into_option(), &args.items)
            .map_err(raise)?;
        if next == *before {
            return Ok(NoneType);
        }
        let late = late(state, &before, &next);
        state.edit(|inner| inner.defaults = Arc::new(next));
        if let (Some(warning), Some(span)) = (late, call_span(eval)) {
            EvalContext::of(eval)?.warn(warning.at(span));
        }
        Ok(NoneType)
    }
}

/// A call of `__defaults__`.
struct Call<'c, 'v, 'a, 'e> {
    state: &'c PackageState<'e>,
    /// What messages say the values are of.
    target: String,
    eval: &'c Evaluator<'v, 'a, 'e>,
    ignore_fields: bool,
    ignore_rules: bool,
}

impl<'v> Call<'_, 'v, '_, '_> {
    /// Changes the defaults. Without `old` (`extend`), what is named is replaced (BLD-091).
    fn apply(
        &mut self,
        next: &mut Defaults,
        old: Option<&Defaults>,
        all: Option<Value<'v>>,
        dicts: &[Value<'v>],
    ) -> Result<(), Diag> {
        let mut for_all = None;
        if let Some(all) = all {
            let fields = self.all_fields(all)?;
            match old {
                None => {
                    next.rules.clear();
                    next.others.clone_from(&fields);
                }
                Some(_) => {
                    let every = next.rules.values_mut().chain([&mut next.others]);
                    every.for_each(|known| known.extend(fields.clone()));
                }
            }
            for_all = Some(fields);
        }
        let mut named: Vec<(RuleId, DefaultFields)> = Vec::new();
        for dict in dicts {
            let entries = self.dict(*dict, "an argument of `__defaults__`")?;
            for (rules, fields) in entries.iter() {
                for rule in self.rules(rules)? {
                    let id = RuleId::of(&rule);
                    let fields = self.fields(&rule, fields)?;
                    match named.iter_mut().find(|(known, _)| *known == id) {
                        Some((_, known)) => known.extend(fields),
                        None => {
                            let mut start = match old {
                                Some(old) => old.of(&rule).clone(),
                                None => DefaultFields::new(),
                            };
                            start.extend(for_all.clone().unwrap_or_default());
                            start.extend(fields);
                            named.push((id, start));
                        }
                    }
                }
            }
        }
        next.rules.extend(named);
        Ok(())
    }

    fn dict(&self, value: Value<'v>, what: &str) -> Result<DictRef<'v>, Diag> {
        DictRef::from_value(value).ok_or_else(|| {
            let diag = mismatch("a dict", value);
            Diag::build(format!("{what}: {}", diag.message()))
                .hint("write `__defaults__({\"rule\": {\"attribute\": value}})`")
        })
    }

    /// The rules that a key names: by text, by the rule itself, or several of them.
    fn rules(&self, key: Value<'v>) -> Result<Vec<Arc<RuleClass>>, Diag> {
        let single = [key];
        let keys = TupleRef::from_value(key).map_or(&single[..], TupleRef::content);
        let mut rules = Vec::with_capacity(keys.len());
        for key in keys {
            match self.state.rule_named(*key, self.eval) {
                Ok(rule) if rule.is_environment() => {
                    return Err(Diag::build(format!(
                        "`{}` cannot have defaults: what environments say must be plain to see",
                        rule.name
                    ))
                    .hint("give these values to each environment target"));
                }
                Ok(rule) => rules.push(rule),
                Err(_) if self.ignore_rules && key.unpack_str().is_some() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(rules)
    }

    /// The defaults of one rule, checked (BLD-094).
    fn fields(&self, rule: &RuleClass, value: Value<'v>) -> Result<DefaultFields, Diag> {
        let what = format!("defaults of `{}`", rule.name);
        let dict = self.dict(value, &what)?;
        let mut fields = DefaultFields::new();
        for (attr, value) in dict.iter() {
            let attr = attribute(attr)?;
            let value = self.literal(attr, value)?;
            let known = self.check(rule, attr, &value)?;
            if known {
                fields.insert(Arc::from(attr), self.field(value));
            }
        }
        Ok(fields)
    }

    /// Whether the rule has the attributes; an error if a value is not allowed.
    fn check(&self, rule: &RuleClass, attr: &str, value: &DefaultValue) -> Result<bool, Diag> {
        let heap = self.eval.heap();
        let check = |attr: &str, value: &DefaultValue| {
            let values = each_value(value, heap);
            let unknown = rule.attr(attr).is_none() && attr != "visibility";
            if unknown && self.ignore_fields {
                return Ok(false);
            }
            for value in values {
                check_default(rule, &self.target, self.state.labels(), attr, value).map_err(
                    |error| match unknown {
                        true => error.note(
                            "with `ignore_unknown_fields = True` it is for rules that have it",
                        ),
                        false => error,
                    },
                )?;
            }
            Ok(true)
        };
        match value {
            DefaultValue::Group(_, fields) => {
                each_field(fields, &mut |attr, value| check(attr, value).map(|_| ()))?;
                Ok(true)
            }
            value => check(attr, value),
        }
    }

    /// The defaults of all rules. Rules of this package's .bzl files are not known yet, so that a
    /// value is wrong here only if it fits none of kiln's own that have the attribute.
    fn all_fields(&self, value: Value<'v>) -> Result<DefaultFields, Diag> {
        let dict = self.dict(value, "`all` of `__defaults__`")?;
        let rules = match dict.is_empty() {
            true => Vec::new(),
            false => self.state.native_rules(self.eval),
        };
        let mut fields = DefaultFields::new();
        for (attr, value) in dict.iter() {
            let attr = attribute(attr)?;
            let value = self.literal(attr, value)?;
            let having = rules.iter().filter(|rule| rule.attr(attr).is_some());
            let mut wrong = None;
            let mut fits = false;
            for rule in having {
                match self.check(rule, attr, &value) {
                    Ok(_) => fits = true,
                    Err(error) => wrong = wrong.or(Some(error)),
                }
            }
            match wrong {
                Some(error) if !fits => return Err(error),
                _ => fields.insert(Arc::from(attr), self.field(value)),
            };
        }
        Ok(fields)
    }

    fn field(&self, value: DefaultValue) -> DefaultField {
        DefaultField {
            value,
            package: self.state.id.clone(),
        }
    }

    fn literal(&self, attr: &str, value: Value<'v>) -> Result<DefaultValue, Diag> {
        from_value(value, self.eval.heap(), self.state.labels()).map_err(|error| {
            let text = format!("default of `{attr}`: {}", error.message());
            let hints = error.hints().iter().cloned();
            hints.fold(Diag::build(text), Diag::hint)
        })
    }
}

/// The name of an attribute that may have a default.
fn attribute(key: Value<'_>) -> Result<&str, Diag> {
    match key.unpack_str() {
        Some("name") => {
            Err(Diag::build("`name` cannot have a default")
                .hint("each target needs a name of its own"))
        }
        Some(attr) => Ok(attr),
        None => Err(mismatch("the name of an attribute", key)),
    }
}

/// Calls `visit` for each attribute of a group and of those in it.
fn each_field(
    fields: &[(Arc<str>, DefaultValue)],
    visit: &mut dyn FnMut(&str, &DefaultValue) -> Result<(), Diag>,
) -> Result<(), Diag> {
    for (attr, value) in fields {
        match value {
            DefaultValue::Group(_, fields) => each_field(fields, visit)?,
            value => visit(attr, value)?,
        }
    }
    Ok(())
}

/// Targets above the call do not see it (BLD-098).
fn late(state: &PackageState<'_>, before: &Defaults, next: &Defaults) -> Option<Diag> {
    let inner = state.inner();
    let has = |rule: &RuleClass, fields: &DefaultFields| -> DefaultFields {
        let fields = fields.iter().filter(|(attr, field)| {
            matches!(field.value, DefaultValue::Group(..)) || rule.attr(attr).is_some()
        });
        fields
            .map(|(attr, field)| (attr.clone(), field.clone()))
            .collect()
    };
    let missed = inner.entries.iter().filter_map(|(name, entry)| {
        let Pending::Rule(rule) = &entry.what else {
            return None;
        };
        let rule = &rule.rule;
        (has(rule, before.of(rule)) != has(rule, next.of(rule))).then(|| format!("`{name}`"))
    });
    let missed: Vec<String> = missed.collect();
    let shown = match missed.len() {
        0 => return None,
        1..=3 => missed.join(", "),
        n => format!("{} and {} more", missed[..3].join(", "), n - 3),
    };
    Some(
        Diag::build(format!(
            "these defaults do not count for what is declared above them: {shown}"
        ))
        .hint("move `__defaults__` to the top of the file"),
    )
}

/// The defaults that a target of this rule has, as arguments, but for what it gives itself: what
/// is parametrized by default gives way as well (BLD-082).
pub(crate) fn missing<'a, 'v: 'a>(
    defaults: &'a Defaults,
    rule: &RuleClass,
    given: &mut Vec<Argument<'a, 'v>>,
    heap: Heap<'v>,
) {
    let fields = defaults.of(rule);
    if fields.is_empty() || rule.is_environment() {
        return;
    }
    let own = given_attrs(given);
    let groups = has_groups(given);
    let keep = |attr: &str| {
        let known = rule.attr(attr).is_some() && !attr.starts_with('_');
        (known || attr == "visibility") && attr != "name" && !own.contains(&attr)
    };
    for (attr, field) in fields {
        let is_group = matches!(field.value, DefaultValue::Group(..));
        if (is_group && groups) || (!is_group && !keep(attr)) {
            continue;
        }
        let Some(value) = to_value(&field.value, heap, &keep) else {
            continue;
        };
        // `None` is as good as nothing.
        given.retain(|argument| argument.attr != &**attr);
        given.push(Argument {
            attr,
            value,
            default_of: Some(&field.package),
        });
    }
}

/// Where a default comes from, for messages.
pub(crate) fn note(package: &PackageId) -> String {
    format!("it is a default: `__defaults__` in `{package}` says so")
}
