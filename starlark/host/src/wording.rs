//! The interpreter's own messages in our words. Only for showing: nothing is decided by them.

use kiln_diag::{Diag, nearest};

/// A message of the interpreter in our style; what it proposes becomes a hint.
pub(crate) fn plain(text: &str) -> Diag {
    plain_at(text, "")
}

/// As [`plain`], for a call of which this is the text.
pub(crate) fn plain_at(text: &str, call: &str) -> Diag {
    let text = text.strip_prefix("Parse error: ").unwrap_or(text);
    let text = text.trim_end_matches('.');
    if let Some(diag) = argument(text, call) {
        return diag;
    }
    let (text, proposal) = match text.split_once(", did you mean ") {
        Some((text, proposal)) => (text, Some(proposal)),
        None => (text, None),
    };
    let diag = Diag::build(lower(text));
    match (proposal, cure(text)) {
        (Some(proposal), _) => diag.hint(format!("did you mean {proposal}")),
        (None, Some(cure)) => diag.hint(cure),
        (None, None) => diag,
    }
}

/// What helps against what the parser and the interpreter complain of: the first line of the
/// table whose texts are all in the message.
fn cure(text: &str) -> Option<&'static str> {
    const CLOSE: &str = "close the bracket that was opened further up";
    const COMMA: &str = "put a comma before it, or close the bracket";
    const CURES: &[(&[&str], &str)] = &[
        (&["unexpected new line", "symbol ')'"], CLOSE),
        (&["unexpected new line", "symbol ']'"], CLOSE),
        (&["unexpected new line", "symbol '}'"], CLOSE),
        (
            &["unexpected new line"],
            "complete the line, or close the bracket that was opened further up",
        ),
        (
            &["unexpected symbol", ", expected symbol"],
            "close the brackets in the order they were opened",
        ),
        (&["unexpected", ", expected symbol"], COMMA),
        (
            &["**kwargs is not a dictionary"],
            "write `**{\"name\": value}`; a group of `parametrize` needs a name: `**parametrize(\"A\", …)`",
        ),
        (
            &["indentation"],
            "remove the blanks at the beginning of the line",
        ),
        (
            &["unexpected symbol", "expected expression"],
            "remove it, or write a value before it",
        ),
        (
            &["unexpected symbol", "expected new line"],
            "remove it: no bracket is open here",
        ),
        (
            &["unexpected", "expected new line"],
            "a call is written `name(…)`, and statements stand on lines of their own",
        ),
        (
            &["nfinished string literal"],
            "close it with the quotation mark it begins with; `\"\"\"` begins a text of several lines",
        ),
        (
            &["ositional argument after"],
            "give it a name: `name = value`",
        ),
        (&["epeated named argument"], "remove one of the two"),
        (&["reserved keyword"], "choose another name"),
        (&["leading 0"], "write `0o17` for an octal number"),
        (
            &["nvalid input"],
            "put it into quotation marks if it is text",
        ),
        (
            &["requires at least two arguments"],
            "name what to load: `load(\"//package:file.bzl\", \"name\")`",
        ),
        (&["string literal in load"], "put it into quotation marks"),
        (&["abs are not allowed"], "use blanks instead"),
        (
            &["peration `+` not supported", "`list`"],
            "put the other value into a list: `[…]`",
        ),
        (
            &["peration `+` not supported", "`string`"],
            "make it a text: `str(…)`",
        ),
        (&["out of bound"], "compare it with `len(…)` first"),
        (
            &["Key", "not found"],
            "`.get(key)` gives `None` for a key that is not there",
        ),
    ];
    let fits = |parts: &&[&str]| parts.iter().all(|part| text.contains(part));
    let found = CURES.iter().find(|(parts, _)| fits(parts));
    found.map(|(_, cure)| *cure)
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
fn argument(text: &str, call: &str) -> Option<Diag> {
    if let Some(rest) = text.strip_prefix("Found ") {
        if let Some((count, function)) =
            rest.split_once(" extra positional argument(s) for call to ")
        {
            let function = function_name(function);
            let diag = Diag::build(match count {
                "1" => format!("`{function}` is given one positional argument too many"),
                count => format!("`{function}` is given {count} positional arguments too many"),
            });
            return Some(diag.hint("give arguments by name: `name = value`"));
        }
        let (names, function) = rest.split_once(" extra named parameter(s) for call to ")?;
        let names = names.replace("` `", "`, `");
        let diag = Diag::build(format!(
            "`{}` has no parameter {names}",
            function_name(function)
        ));
        return Some(diag.hint("remove it, or correct its name"));
    }
    if let Some(rest) = text.strip_prefix("Missing ") {
        let (kind, rest) = rest.split_once("parameter `")?;
        let (name, function) = rest.split_once("` for call to ")?;
        return Some(
            Diag::build(format!(
                "`{}` needs the {}argument `{name}`",
                function_name(function),
                kind.replace("-only", ""),
            ))
            .hint(missing_argument(name, call)),
        );
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
    Some(
        Diag::build(format!(
            "argument `{name}`: expected {expected}, got `{value}` of type {actual}"
        ))
        .hint(format!("give `{name}` a value of type {expected}")),
    )
}

/// An argument that is missing may be there under a name that was mistyped.
fn missing_argument(name: &str, call: &str) -> String {
    match nearest(name, given_names(call))[..] {
        [near, ..] if near != name => format!("did you mean `{name}` where it says `{near}`?"),
        _ => format!("add `{name} = …`"),
    }
}

/// The names in front of `=` in a text.
fn given_names(call: &str) -> impl Iterator<Item = &str> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    call.match_indices('=').filter_map(move |(at, _)| {
        let before = call[..at].trim_end();
        let word = before.rsplit(|c| !in_word(c)).next();
        word.filter(|word| !word.is_empty())
    })
}

/// A function's own name, without the path of its file in front.
fn function_name(text: &str) -> &str {
    let text = text.trim_matches('`');
    match text.find(".bzl.") {
        Some(at) => &text[at + ".bzl.".len()..],
        None => text,
    }
}
