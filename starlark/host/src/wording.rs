//! The interpreter's own messages in our words. Only for showing: nothing is decided by them.

use kiln_diag::Diag;

/// A message of the interpreter in our style; what it proposes becomes a hint.
pub(crate) fn plain(text: &str) -> Diag {
    let text = text.strip_prefix("Parse error: ").unwrap_or(text);
    let text = text.trim_end_matches('.');
    if let Some(diag) = argument(text) {
        return diag;
    }
    let (text, proposal) = match text.split_once(", did you mean ") {
        Some((text, proposal)) => (text, Some(proposal)),
        None => (text, None),
    };
    let diag = Diag::build(lower(text));
    match proposal {
        Some(proposal) => diag.hint(format!("did you mean {proposal}")),
        None => diag,
    }
}

/// With a small letter at the beginning, unless a word in capitals stands there.
fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// Messages about the arguments of a call.
fn argument(text: &str) -> Option<Diag> {
    if let Some(rest) = text.strip_prefix("Found ") {
        if let Some((count, function)) =
            rest.split_once(" extra positional argument(s) for call to ")
        {
            let function = function_name(function);
            return Some(Diag::build(match count {
                "1" => format!("`{function}` is given one positional argument too many"),
                count => format!("`{function}` is given {count} positional arguments too many"),
            }));
        }
        let (names, function) = rest.split_once(" extra named parameter(s) for call to ")?;
        let names = names.replace("` `", "`, `");
        return Some(Diag::build(format!(
            "`{}` has no parameter {names}",
            function_name(function)
        )));
    }
    if let Some(rest) = text.strip_prefix("Missing ") {
        let (kind, rest) = rest.split_once("parameter `")?;
        let (name, function) = rest.split_once("` for call to ")?;
        return Some(Diag::build(format!(
            "`{}` needs the {}argument `{name}`",
            function_name(function),
            kind.replace("-only", ""),
        )));
    }
    let rest = text.strip_prefix("Type of parameter `")?;
    let (name, rest) = rest.split_once("` doesn't match, expected `")?;
    let (expected, rest) = rest.split_once("`, actual `")?;
    let (actual, value) = rest.split_once(" (repr: ")?;
    let value = value.strip_suffix(")`")?;
    let expected = if expected == "str" {
        "string"
    } else {
        expected
    };
    Some(Diag::build(format!(
        "argument `{name}`: expected {expected}, got `{value}` of type {actual}"
    )))
}

/// A function's own name, without the path of its file in front.
fn function_name(text: &str) -> &str {
    let text = text.trim_matches('`');
    match text.find(".bzl.") {
        Some(at) => &text[at + ".bzl.".len()..],
        None => text,
    }
}
