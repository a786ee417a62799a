//! `%(name)s` in texts of configuration files (OPT-030).

/// How deep texts may stand for texts, which also ends circles.
const DEPTH: usize = 16;
/// How long a text may become.
const LONGEST: usize = 1 << 20;

/// Replaces every `%(name)s` by what `known` says, which may hold more of them.
///
/// Errors: what is wrong with which name.
pub(super) fn interpolate(
    text: &str,
    known: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut budget = LONGEST;
    replace(text, known, DEPTH, &mut budget)
}

fn replace(
    text: &str,
    known: &dyn Fn(&str) -> Option<String>,
    depth: usize,
    budget: &mut usize,
) -> Result<String, String> {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = placeholder(rest) {
        result.push_str(before);
        let value = known(name).ok_or_else(|| format!("nothing is called `{name}`"))?;
        if depth == 0 {
            return Err(format!("`%({name})s` stands for itself, or is too deep"));
        }
        *budget = budget
            .checked_sub(value.len().max(1))
            .ok_or_else(|| format!("`%({name})s` makes a text that is too long"))?;
        // A variable's value is taken as it is.
        match name.starts_with("env.") {
            true => result.push_str(&value),
            false => result.push_str(&replace(&value, known, depth - 1, budget)?),
        }
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

/// The first `%(name)s`, with what is before and after it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("%(")?;
    let (name, after) = rest.split_once(")s")?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expect: Expect) {
        let known = |name: &str| match name {
            "a" => Some("A".to_owned()),
            "b" => Some("<%(a)s>".to_owned()),
            "loop" => Some("%(loop)s".to_owned()),
            "bomb" => Some("%(a)s%(bomb)s%(bomb)s".to_owned()),
            "env.X" => Some("%(a)s".to_owned()),
            _ => None,
        };
        expect.assert_eq(&interpolate(text, &known).unwrap_or_else(|e| format!("error: {e}")));
    }

    /// OPT-030
    #[test]
    fn texts() {
        check("x", expect!["x"]);
        check("x%(a)sy%(b)s", expect!["xAy<A>"]);
        check("%(env.X)s", expect!["%(a)s"]);
        check("100%", expect!["100%"]);
        check("%(a", expect!["%(a"]);
        check("%(c)s", expect!["error: nothing is called `c`"]);
        check(
            "%(loop)s",
            expect!["error: `%(loop)s` stands for itself, or is too deep"],
        );
        check(
            "%(bomb)s",
            expect!["error: `%(a)s` stands for itself, or is too deep"],
        );
    }
}
