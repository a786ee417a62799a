//! One pattern: a sequence of components.

use kiln_diag::Diag;

/// One component of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// `**`: any number of components.
    Recursive,
    /// A component with wildcards.
    Wild(Wild),
    /// A component as it is.
    Literal(Box<str>),
}

/// A component with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wild(Box<str>);

/// What a pattern is for; `?` differs (Bazel).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Include,
    Exclude,
}

/// Splits and checks a pattern.
pub(crate) fn compile(pattern: &str, used: Use) -> Result<Vec<Segment>, Diag> {
    let fail = |reason: &str| Diag::build(format!("invalid glob pattern `{pattern}`: {reason}"));
    if pattern.is_empty() {
        return Err(fail("it is empty"));
    }
    if pattern.starts_with('/') {
        return Err(fail("it is absolute")
            .hint("globs are relative to the folder of the BUILD file and stay in its package"));
    }
    if used == Use::Include && pattern.contains('?') {
        return Err(fail("`?` is no wildcard of `include`").hint("use `*`"));
    }
    let segment = |part: &str| match part {
        "" => Err(fail("it has an empty component")),
        "." | ".." => Err(fail(&format!("it has the component `{part}`"))
            .hint("a glob cannot leave its package; put a `filegroup` where the files are")),
        "**" => Ok(Segment::Recursive),
        part if part.contains("**") => {
            let (before, after) = part.split_once("**").unwrap_or((part, ""));
            let mut cure = Vec::from(["**".to_owned()]);
            if !before.is_empty() {
                cure.insert(0, before.to_owned());
            }
            if !after.is_empty() {
                cure.push(format!("*{}", after.trim_start_matches('*')));
            }
            let hint = format!("write `{}` if that is what you mean", cure.join("/"));
            Err(fail("`**` must be a component of its own").hint(hint))
        }
        part if part.contains(['*', '?']) => Ok(Segment::Wild(Wild(part.into()))),
        part => Ok(Segment::Literal(part.into())),
    };
    pattern.split('/').map(segment).collect()
}

impl Wild {
    /// Whether a name matches. Time is at most the product of the two lengths.
    pub(crate) fn matches(&self, name: &str) -> bool {
        if &*self.0 == "*" {
            return true;
        }
        if name.starts_with('.') && !self.0.starts_with('.') {
            return false;
        }
        wild_matches(self.0.as_bytes(), name.as_bytes())
    }
}

/// Matches by remembering the last `*` only: an earlier one never needs to take more, because
/// whatever it could give up, the later one can take as well.
fn wild_matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                n = next_character(name, n);
            }
            Some(byte) if *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((after, at)) => {
                    let at = next_character(name, at);
                    star = Some((after, at));
                    (p, n) = (after, at);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The start of the next character of UTF-8 bytes.
fn next_character(name: &[u8], mut at: usize) -> usize {
    at += 1;
    while at < name.len() && name[at] & 0xc0 == 0x80 {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn naive(pattern: &[char], name: &[char]) -> bool {
        match (pattern.first(), name.first()) {
            (None, None) => true,
            (Some('*'), _) => {
                naive(&pattern[1..], name) || (!name.is_empty() && naive(pattern, &name[1..]))
            }
            (Some('?'), Some(_)) => naive(&pattern[1..], &name[1..]),
            (Some(p), Some(n)) if p == n => naive(&pattern[1..], &name[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn wildcards_match_as_the_naive_matcher(pattern in "[ab*?ä]{1,7}", name in "[abä]{1,9}") {
            let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            prop_assert_eq!(wild_matches(pattern.as_bytes(), name.as_bytes()), naive(&p, &n));
        }

        #[test]
        fn any_text_compiles_or_says_why(pattern in ".{0,20}") {
            let _ = compile(&pattern, Use::Exclude);
        }
    }

    #[test]
    fn hidden_names_need_a_dot() {
        let matches = |pattern: &str, name| Wild(pattern.into()).matches(name);
        assert!(matches("*", ".git"));
        assert!(!matches("*.git", ".git"));
        assert!(matches(".*", ".git"));
        assert!(!matches("?git", ".git"));
    }

    fn check(pattern: &str, expect: Expect) {
        let diag = compile(pattern, Use::Include).unwrap_err();
        expect.assert_eq(&diag.render());
    }

    #[test]
    fn mistakes() {
        check("", expect!["error: invalid glob pattern ``: it is empty"]);
        check(
            "/a",
            expect![[r#"
                error: invalid glob pattern `/a`: it is absolute
                hint: globs are relative to the folder of the BUILD file and stay in its package"#]],
        );
        check(
            "../a/*.cc",
            expect![[r#"
                error: invalid glob pattern `../a/*.cc`: it has the component `..`
                hint: a glob cannot leave its package; put a `filegroup` where the files are"#]],
        );
        check(
            "a//b",
            expect!["error: invalid glob pattern `a//b`: it has an empty component"],
        );
        check(
            "src/**.cc",
            expect![[r#"
                error: invalid glob pattern `src/**.cc`: `**` must be a component of its own
                hint: write `**/*.cc` if that is what you mean"#]],
        );
        check(
            "a?.cc",
            expect![[r#"
                error: invalid glob pattern `a?.cc`: `?` is no wildcard of `include`
                hint: use `*`"#]],
        );
    }
}
