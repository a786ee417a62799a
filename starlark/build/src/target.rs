//! Declaring a target: what happens when a rule is called in a BUILD file.

use std::sync::Arc;

use kiln_diag::Diag;
use kiln_host::starlark::values::Value;
use kiln_host::starlark::{self, eval::Arguments, eval::Evaluator};
use kiln_host::{EvalContext, outermost_call, raise, to_span};
use kiln_targets::{AttrKind, AttrSchema, AttrValue, RuleClass, Visibility};

use crate::argument::argument_span;
use crate::coerce::{LabelContext, attr_value};
use crate::combinations::{Argument, Combination, combinations};
use crate::defaults;
use crate::outputs;
use crate::package::{Entry, PackageState, Pending, PendingRule};
use crate::visibility::visibility;

/// Declares a target in the package that is evaluated; for kiln-bazel, when a rule is called.
///
/// Errors: no BUILD file is evaluated; a positional argument; no name, an invalid name or one
/// that is taken; unknown, missing or wrongly typed attributes (BLD-042, BLD-043).
pub fn declare_target<'v>(
    rule: &Arc<RuleClass>,
    args: &Arguments<'v, '_>,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<Value<'v>> {
    if args.positions(eval.heap())?.next().is_some() {
        return Err(raise(
            Diag::build(format!("`{}` takes named arguments only", rule.name))
                .hint("write `name = \"…\"`"),
        ));
    }
    let kwargs = args.names_map()?;
    let kwargs = kwargs.iter().map(|(name, value)| (name.as_str(), *value));
    declare_with(rule, kwargs, eval)?;
    Ok(Value::new_none())
}

/// As [`declare_target`], from names and values.
pub fn declare_with<'v, 'a>(
    rule: &Arc<RuleClass>,
    kwargs: impl Iterator<Item = (&'a str, Value<'v>)>,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<()>
where
    'v: 'a,
{
    let package = PackageState::of(eval, &format!("rule `{}`", rule.name))?;
    let defaults = package.inner().defaults.clone();
    let given = kwargs.map(|(attr, value)| Argument {
        attr,
        value,
        default_of: None,
    });
    let mut given: Vec<Argument<'_, 'v>> = given.collect();
    let name = target_name(rule, &given).map_err(raise)?;
    defaults::missing(&defaults, rule, &mut given, eval.heap());
    let several = combinations(given, name, eval.heap());
    // Whichever attribute it is, the message says of which target (BLD-076).
    let several = several.map_err(|error| raise(about(&error, package, name)))?;
    if rule.is_environment() && several.iter().any(|one| one.parameters.is_some()) {
        let error =
            Diag::build("environments cannot be parametrized: they are named by plain labels");
        let error = error.hint("declare one environment target for each of them");
        return Err(raise(about(&error, package, name)));
    }
    for combination in several {
        declare_one(rule, &combination, name, eval)?;
    }
    Ok(())
}

fn about(error: &Diag, package: &PackageState<'_>, name: &str) -> Diag {
    let message = format!("`{}:{name}`: {}", package.id(), error.message());
    let hints = error.hints().iter().cloned();
    hints.fold(Diag::build(message), Diag::hint)
}

/// Declares one target of those that a call with this `name` declares.
fn declare_one<'v>(
    rule: &Arc<RuleClass>,
    combination: &Combination<'_, 'v>,
    given_name: &str,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<()> {
    let package = PackageState::of(eval, &format!("rule `{}`", rule.name))?;
    let arguments = &combination.arguments;
    let name = target_name(rule, arguments).map_err(raise)?;
    let label = package.id().target(name).map_err(|error| {
        let reason = error.reason;
        raise(Diag::build(format!(
            "invalid target name `{name}`: {reason}"
        )))
    })?;
    let site = Site {
        rule,
        target: &label.to_string(),
        labels: package.labels(),
    };
    let (mut attrs, visibility) = site.values(arguments, eval)?;
    let shared = match &combination.parameters {
        Some(_) => outputs::apart(rule, &label, &mut attrs).map_err(raise)?,
        None => Vec::new(),
    };
    site.all_mandatory(&attrs).map_err(raise)?;
    let outputs = outputs::predeclared(rule, name, &attrs).map_err(raise)?;
    let (location, generator) =
        outermost_call(eval).ok_or_else(|| raise(Diag::internal("a rule call has no place")))?;
    let span = to_span(&location);
    let name: Arc<str> = Arc::from(name);
    let entry = Entry {
        what: Pending::Rule(PendingRule {
            label,
            rule: rule.clone(),
            attrs,
            visibility,
            generator: generator.map(Arc::from),
            parameters: combination.parameters.clone().map(Arc::new),
        }),
        span: span.clone(),
    };
    let mut warnings = Vec::new();
    let declared = package.edit(|inner| {
        inner.declare(name.clone(), entry)?;
        if combination.parameters.is_some() {
            inner.join(given_name, name.clone(), &span)?;
        }
        outputs::declare(inner, &name, outputs, &span, &mut warnings)?;
        let mut shared = shared.into_iter();
        shared.try_for_each(|(file, own)| inner.join(&file, own, &span))
    });
    declared.map_err(raise)?;
    let context = EvalContext::of(eval)?;
    warnings
        .into_iter()
        .for_each(|warning| context.warn(warning));
    Ok(())
}

fn target_name<'v>(rule: &RuleClass, given: &[Argument<'_, 'v>]) -> Result<&'v str, Diag> {
    let found = given.iter().find(|argument| argument.attr == "name");
    let Some(Argument { value, .. }) = found else {
        let diag = Diag::build(format!("a `{}` needs a `name`", rule.name));
        return Err(diag.hint("add `name = \"…\"`"));
    };
    value.unpack_str().ok_or_else(|| {
        Diag::build(format!(
            "the `name` of a `{}` must be a string, got `{}` of type {}",
            rule.name,
            value.to_repr(),
            value.get_type()
        ))
        .hint("write a text that is written out: `name = \"…\"`")
    })
}

/// A value for an attribute, checked against all that the schema says.
fn typed(
    schema: &AttrSchema,
    value: Value<'_>,
    labels: LabelContext<'_>,
) -> Result<AttrValue, Diag> {
    let value = attr_value(value, schema.kind, labels)?;
    if value.has_select() && !schema.configurable {
        return Err(Diag::build("it cannot depend on the configuration")
            .hint("`select` is not allowed here"));
    }
    each_plain(&value, &mut |value| check_value(schema, value))?;
    Ok(value)
}

/// Calls `check` for the value, or for each value of its selects.
fn each_plain(
    value: &AttrValue,
    check: &mut dyn FnMut(&AttrValue) -> Result<(), Diag>,
) -> Result<(), Diag> {
    match value {
        AttrValue::None => Ok(()),
        AttrValue::Select(select) => {
            let mut branches = select.branches.iter();
            branches.try_for_each(|(_, value)| each_plain(value, check))
        }
        AttrValue::Concat(parts) => parts.iter().try_for_each(|part| each_plain(part, check)),
        value => check(value),
    }
}

fn check_value(schema: &AttrSchema, value: &AttrValue) -> Result<(), Diag> {
    let empty = match value {
        AttrValue::List(items) => items.is_empty(),
        AttrValue::Dict(entries) => entries.is_empty(),
        _ => false,
    };
    if empty && !schema.allow_empty {
        return Err(Diag::build("it must not be empty").hint("give it a value, or leave it out"));
    }
    if schema.values.is_empty() {
        return Ok(());
    }
    let single = std::slice::from_ref(value);
    let items = match schema.kind {
        AttrKind::StringList | AttrKind::IntList => value.items(),
        _ => single,
    };
    match items.iter().find(|item| !schema.values.contains(item)) {
        None => Ok(()),
        Some(item) => {
            let allowed: Vec<String> = schema.values.iter().map(shown).collect();
            let diag = Diag::build(format!(
                "{} is not one of {}",
                shown(item),
                allowed.join(", ")
            ));
            let texts = schema.values.iter().filter_map(AttrValue::as_str);
            Err(match item.as_str() {
                Some(text) => diag.did_you_mean(text, texts),
                None => diag.hint("write one of these values"),
            })
        }
    }
}

fn shown(value: &AttrValue) -> String {
    match value {
        AttrValue::String(text) => format!("`{text}`"),
        AttrValue::Int(number) => format!("`{number}`"),
        other => format!("{other:?}"),
    }
}

/// Whether a value may be the default of an attribute (BLD-094).
pub(crate) fn check_default(
    rule: &RuleClass,
    target: &str,
    labels: LabelContext<'_>,
    attr: &str,
    value: Value<'_>,
) -> Result<(), Diag> {
    let site = Site {
        rule,
        target,
        labels,
    };
    let checked = match rule.attr(attr).filter(|_| !attr.starts_with('_')) {
        _ if attr == "visibility" => visibility(value, labels).map(|_| ()),
        Some(schema) => typed(schema, value, labels).map(|_| ()),
        None => return Err(unknown_attribute(rule, attr, target)),
    };
    checked.map_err(|diag| site.wrap(attr, &diag))
}

fn unknown_attribute(rule: &RuleClass, attr: &str, target: &str) -> Diag {
    if attr.starts_with('_') && rule.attr(attr).is_some() {
        return Diag::build(format!(
            "attribute `{attr}` of `{}` is private; only the rule's definition sets it",
            rule.name
        ));
    }
    let names: Vec<&str> = rule
        .attrs
        .iter()
        .map(|schema| &*schema.name)
        .filter(|name| !name.starts_with('_'))
        .collect();
    let diag = Diag::build(format!(
        "`{}` has no attribute `{attr}` (target `{target}`)",
        rule.name
    ))
    .note(format!("it has {}", names.join(", ")));
    let near = diag.clone().did_you_mean(attr, names);
    match near == diag {
        true => diag.hint(format!("remove `{attr}`, or give it to another rule")),
        false => near,
    }
}

/// A target under declaration.
struct Site<'a> {
    rule: &'a RuleClass,
    target: &'a str,
    labels: LabelContext<'a>,
}

type Values = (Vec<(Arc<str>, AttrValue)>, Option<Visibility>);

impl Site<'_> {
    /// The values given, typed and sorted by name, and the visibility.
    fn values<'v>(
        &self,
        arguments: &[Argument<'_, 'v>],
        eval: &Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Values> {
        let mut attrs = Vec::with_capacity(arguments.len());
        let mut visible = None;
        for argument in arguments {
            let (attr, value) = (argument.attr, argument.value);
            let place = |diag: Diag| match (argument.default_of, argument_span(eval, attr)) {
                (Some(package), _) => raise(diag.note(defaults::note(package))),
                (None, Some(span)) => raise(diag.at(span)),
                (None, None) => raise(diag),
            };
            let wrap = |diag: Diag| place(self.wrap(attr, &diag));
            let labels = LabelContext {
                package: argument.default_of.unwrap_or(self.labels.package),
                ..self.labels
            };
            if attr == "visibility" {
                if !value.is_none() {
                    visible = Some(visibility(value, labels).map_err(wrap)?);
                }
                continue;
            }
            let schema = self.rule.attr(attr).filter(|_| !attr.starts_with('_'));
            let typed = match schema {
                Some(schema) => typed(schema, value, labels).map_err(wrap)?,
                None if attr == "name" => {
                    attr_value(value, AttrKind::String, self.labels).map_err(wrap)?
                }
                None => return Err(place(unknown_attribute(self.rule, attr, self.target))),
            };
            match (typed, schema) {
                (AttrValue::None, _) => {}
                (value, Some(schema)) => attrs.push((schema.name.clone(), value)),
                (value, None) => attrs.push((Arc::from(attr), value)),
            }
        }
        attrs.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok((attrs, visible))
    }

    /// Says which attribute of what an error is about.
    fn wrap(&self, attr: &str, diag: &Diag) -> Diag {
        let mut wrapped = Diag::build(format!(
            "attribute `{attr}` of {} `{}`: {}",
            self.rule.name,
            self.target,
            diag.message()
        ));
        for note in diag.notes() {
            wrapped = wrapped.note(note.message.clone());
        }
        for hint in diag.hints() {
            wrapped = wrapped.hint(hint.clone());
        }
        wrapped
    }

    fn all_mandatory(&self, attrs: &[(Arc<str>, AttrValue)]) -> Result<(), Diag> {
        let given = |name: &str| attrs.binary_search_by(|(n, _)| (**n).cmp(name)).is_ok();
        let missing: Vec<&AttrSchema> = (self.rule.attrs.iter())
            .filter(|schema| schema.mandatory && !given(&schema.name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let lacking = missing
            .iter()
            .map(|schema| format!("`{}` ({})", schema.name, schema.kind));
        let add = missing
            .iter()
            .map(|schema| format!("`{} = {}`", schema.name, example(schema.kind)));
        let join = |parts: &mut dyn Iterator<Item = String>| parts.collect::<Vec<_>>().join(", ");
        Err(Diag::build(format!(
            "{} `{}` lacks {}",
            self.rule.name,
            self.target,
            join(&mut lacking.into_iter())
        ))
        .hint(format!("add {}", join(&mut add.into_iter()))))
    }
}

/// What a value of a kind looks like.
fn example(kind: AttrKind) -> &'static str {
    match kind {
        AttrKind::Bool => "True",
        AttrKind::Int => "1",
        AttrKind::IntList => "[1]",
        AttrKind::String | AttrKind::Output | AttrKind::Label => "\"…\"",
        AttrKind::StringList | AttrKind::LabelList | AttrKind::OutputList => "[\"…\"]",
        AttrKind::StringDict
        | AttrKind::StringListDict
        | AttrKind::LabelKeyedStringDict
        | AttrKind::StringKeyedLabelDict => "{\"…\": …}",
    }
}
