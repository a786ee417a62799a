//! Predeclared outputs: `attr.output`, `attr.output_list` and the templates of `rule(outputs)`.

use std::ops::Bound;
use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::{Diag, Span};
use kiln_targets::{AttrKind, AttrValue, RuleClass};

use crate::package::{Entry, Inner, Pending};

/// The file names that `rule(outputs = {...})` makes for a target: key and name, in the order
/// declared. `attr` gives the value of an attribute, its default if none was given.
///
/// `%{name}`, `%{dirname}` (of the name, with a slash behind it unless empty), `%{basename}`, and
/// `%{attribute}` for texts, labels (their name) and lists of them that have one item.
pub fn template_outputs<'a>(
    rule: &RuleClass,
    name: &str,
    attr: impl Fn(&str) -> Option<&'a AttrValue>,
) -> Result<Vec<(Arc<str>, String)>, Diag> {
    let expand = |(key, template): &(Arc<str>, Arc<str>)| {
        let text = expand(template, name, &attr).map_err(|reason| {
            Diag::build(format!(
                "output `{key}` of rule `{}`: {reason} in the template `{template}`",
                rule.name
            ))
        })?;
        Ok((key.clone(), text))
    };
    rule.outputs.iter().map(expand).collect()
}

fn expand<'a>(
    template: &str,
    name: &str,
    attr: &impl Fn(&str) -> Option<&'a AttrValue>,
) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("%{") {
        out.push_str(before);
        let Some((placeholder, after)) = after.split_once('}') else {
            return Err("`%{` has no `}`".to_owned());
        };
        let (dirname, basename) = match name.rfind('/') {
            Some(slash) => name.split_at(slash + 1),
            None => ("", name),
        };
        match placeholder {
            "name" => out.push_str(name),
            "dirname" => out.push_str(dirname),
            "basename" => out.push_str(basename),
            placeholder => out.push_str(single_text(placeholder, attr(placeholder))?),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn single_text<'a>(name: &str, value: Option<&'a AttrValue>) -> Result<&'a str, String> {
    match value {
        Some(AttrValue::String(text)) => Ok(text),
        Some(AttrValue::Label(label)) => Ok(label.name()),
        Some(AttrValue::List(items)) if items.len() == 1 => single_text(name, items.first()),
        Some(_) => Err(format!("the value of `{name}` is no single text")),
        None => Err(format!("there is no attribute `{name}`")),
    }
}

/// The names of all files that a target predeclares.
pub(crate) fn predeclared(
    rule: &RuleClass,
    name: &str,
    attrs: &[(Arc<str>, AttrValue)],
) -> Result<Vec<Arc<str>>, Diag> {
    let mut names = Vec::new();
    for (attr, value) in attrs {
        let kind = rule.attr(attr).map(|schema| schema.kind);
        if matches!(kind, Some(AttrKind::Output | AttrKind::OutputList)) {
            value.visit_labels(&mut |label, _| names.push(Arc::from(label.name())));
        }
    }
    if !rule.outputs.is_empty() {
        let value = |wanted: &str| {
            let given = attrs.binary_search_by(|(name, _)| (**name).cmp(wanted));
            match given {
                Ok(at) => Some(&attrs[at].1),
                Err(_) => rule.attr(wanted).map(|schema| &schema.default),
            }
        };
        let templates = template_outputs(rule, name, value)?;
        names.extend(templates.into_iter().map(|(_, name)| Arc::from(name)));
    }
    Ok(names)
}

/// A file as the call names it, and as it is called now.
pub(crate) type Moved = (Arc<str>, Arc<str>);

/// Moves the output files that a parametrized target names into a folder of its own, because all
/// targets of the call name the same ones.
pub(crate) fn apart(
    rule: &RuleClass,
    target: &Label,
    attrs: &mut [(Arc<str>, AttrValue)],
) -> Result<Vec<Moved>, Diag> {
    let mut moved = Vec::new();
    let mut own = |value: &AttrValue| {
        let AttrValue::Label(file) = value else {
            return Ok(value.clone());
        };
        let name = format!("{}/{}", target.name(), file.name());
        let label = target.package().target(&name);
        let label = label.map_err(|error| Diag::build(error.to_string()))?;
        moved.push((Arc::from(file.name()), Arc::from(name)));
        Ok::<_, Diag>(AttrValue::Label(label))
    };
    for (attr, value) in attrs {
        match rule.attr(attr).map(|schema| schema.kind) {
            Some(AttrKind::Output) => *value = own(value)?,
            Some(AttrKind::OutputList) => {
                let files = value.items().iter().map(&mut own);
                *value = AttrValue::List(files.collect::<Result<_, Diag>>()?);
            }
            _ => {}
        }
    }
    Ok(moved)
}

/// Declares the output files of a target that is itself declared already.
pub(crate) fn declare(
    inner: &mut Inner,
    target: &Arc<str>,
    outputs: Vec<Arc<str>>,
    span: &Span,
    warnings: &mut Vec<Diag>,
) -> Result<(), Diag> {
    for output in outputs {
        if output == *target {
            // Bazel warns too, and lets the rule have the name.
            let warning = Diag::build(format!(
                "`{target}` is both a target and an output of it; the name means the target"
            ));
            warnings.push(warning.at(span.clone()));
            continue;
        }
        if let Some(other) = overlapping(inner, &output) {
            let diag = Diag::build(format!(
                "output `{output}` overlaps with output `{other}`: one is a folder of the other"
            ))
            .hint("rename one of the two");
            return Err(diag.at(span.clone()));
        }
        let what = Pending::Output {
            generated_by: target.clone(),
        };
        let span = span.clone();
        inner.declare(output, Entry { what, span })?;
    }
    Ok(())
}

/// Another output that is a folder above this one, or a file below it.
fn overlapping(inner: &Inner, output: &str) -> Option<Arc<str>> {
    let is_output = |entry: &Entry| matches!(entry.what, Pending::Output { .. });
    let above = output.match_indices('/').find_map(|(slash, _)| {
        let (name, entry) = inner.entries.get_key_value(&output[..slash])?;
        is_output(entry).then(|| name.clone())
    });
    if above.is_some() {
        return above;
    }
    let folder = format!("{output}/");
    let from = (Bound::Included(folder.as_str()), Bound::Unbounded);
    let (name, entry) = inner.entries.range::<str, _>(from).next()?;
    (name.starts_with(&folder) && is_output(entry)).then(|| name.clone())
}
