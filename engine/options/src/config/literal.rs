//! Lists and dictionaries as texts: `[a, "b"]`, `+[a]`, `-[a],+[b]`, `{'a': 'b'}`, `+{...}`
//! (OPT-020, OPT-023, OPT-025).

/// A change of a list, or of a dictionary as a list of `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit<T> {
    /// Drops all that was there.
    Replace(Vec<T>),
    /// Adds to it.
    Add(Vec<T>),
    /// Removes from the result.
    Remove(Vec<T>),
}

/// Where a text is wrong, and what was expected there.
#[derive(Debug)]
pub(crate) struct Mistake {
    /// Which character, counted from 1.
    pub(crate) column: usize,
    pub(crate) expected: &'static str,
}

/// Reads the edits of a text. One that begins with no bracket is one element, as it stands.
pub(crate) fn edits(text: &str, pairs: bool) -> Result<Vec<Edit<String>>, Mistake> {
    let shape = text.trim_start();
    let shape = shape.strip_prefix(['+', '-']).unwrap_or(shape);
    let literal = shape.starts_with(['[', '(']) || pairs && shape.starts_with('{');
    if !literal {
        return Ok(vec![Edit::Add(vec![text.to_owned()])]);
    }
    let mut reader = Reader {
        chars: text.chars().collect(),
        at: 0,
        pairs,
    };
    let mut edits = vec![reader.edit()?];
    while reader.skip(',') {
        edits.push(reader.edit()?);
    }
    match reader.peek() {
        None => Ok(edits),
        Some(_) => Err(reader.expected("`,` or the end")),
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    pairs: bool,
}

impl Reader {
    fn edit(&mut self) -> Result<Edit<String>, Mistake> {
        let make = match self.peek() {
            Some('+') => Edit::Add,
            Some('-') => Edit::Remove,
            _ => Edit::Replace,
        };
        if matches!(self.peek(), Some('+' | '-')) {
            self.at += 1;
        }
        let close = match self.peek() {
            Some('[') => ']',
            Some('(') => ')',
            Some('{') if self.pairs => '}',
            _ if self.pairs => return Err(self.expected("`[`, `(` or `{`")),
            _ => return Err(self.expected("`[` or `(`")),
        };
        self.at += 1;
        let mut elements = Vec::new();
        while !self.skip(close) {
            let mut element = self.element()?;
            if close == '}' {
                if !self.skip(':') {
                    return Err(self.expected("`:`"));
                }
                element = format!("{element}={}", self.element()?);
            }
            elements.push(element);
            if !self.skip(',') && self.peek() != Some(close) {
                return Err(self.expected(match close {
                    ']' => "`,` or `]`",
                    ')' => "`,` or `)`",
                    _ => "`,` or `}`",
                }));
            }
        }
        Ok(make(elements))
    }

    fn element(&mut self) -> Result<String, Mistake> {
        match self.peek() {
            Some(quote @ ('"' | '\'')) => {
                self.at += 1;
                self.quoted(quote)
            }
            _ => {
                let start = self.at;
                let ends = |c: &char| c.is_whitespace() || ",[](){}:'\"".contains(*c);
                let rest = self.chars[start..].iter();
                self.at += rest.take_while(|c| !ends(c)).count();
                match self.at > start {
                    true => Ok(self.chars[start..self.at].iter().collect()),
                    false => Err(self.expected("a text, in quotes or without special characters")),
                }
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, Mistake> {
        let mut text = String::new();
        loop {
            let Some(c) = self.chars.get(self.at).copied() else {
                return Err(self.expected("the quote that closes the text"));
            };
            self.at += 1;
            match c {
                c if c == quote => return Ok(text),
                '\\' => self.escape(&mut text),
                c => text.push(c),
            }
        }
    }

    /// What follows a backslash; one that begins no escape is itself.
    fn escape(&mut self, text: &mut String) {
        let digits = |from: usize, most: usize, radix: u32| {
            let rest = self.chars[from.min(self.chars.len())..].iter();
            rest.take(most).take_while(|c| c.is_digit(radix)).count()
        };
        let (octal, hex) = (digits(self.at, 3, 8), digits(self.at + 1, 2, 16));
        let next = self.chars.get(self.at).copied();
        let simple = match next {
            Some(c @ ('\\' | '\'' | '"')) => Some(c),
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            _ => None,
        };
        let (skip, length, radix) = match next {
            Some('x') if hex == 2 => (1, 2, 16),
            _ => (0, octal, 8),
        };
        let (from, to) = (self.at + skip, self.at + skip + length);
        let number: String = self
            .chars
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .collect();
        let code = u32::from_str_radix(&number, radix).ok();
        match (simple, code.and_then(char::from_u32)) {
            (Some(c), _) => {
                text.push(c);
                self.at += 1;
            }
            (None, Some(c)) => {
                text.push(c);
                self.at = to;
            }
            (None, None) => text.push('\\'),
        }
    }

    /// The next character that is no space; `at` is where it stands.
    fn peek(&mut self) -> Option<char> {
        while self.chars.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.chars.get(self.at).copied()
    }

    fn skip(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expected(&self, expected: &'static str) -> Mistake {
        Mistake {
            column: self.at + 1,
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expect: Expect) {
        expect.assert_eq(&match edits(text, true) {
            Ok(edits) => format!("{edits:?}"),
            Err(mistake) => format!("{}: expected {}", mistake.column, mistake.expected),
        });
    }

    /// OPT-020
    #[test]
    fn lists() {
        check("[1,2]", expect![[r#"[Replace(["1", "2"])]"#]]);
        check(" ( 1 , 2 , ) ", expect![[r#"[Replace(["1", "2"])]"#]]);
        check("+[1,2]", expect![[r#"[Add(["1", "2"])]"#]]);
        check(
            "-[1],+[2,3]",
            expect![[r#"[Remove(["1"]), Add(["2", "3"])]"#]],
        );
        check("[]", expect!["[Replace([])]"]);
        check("bare", expect![[r#"[Add(["bare"])]"#]]);
        check("-O2", expect![[r#"[Add(["-O2"])]"#]]);
    }

    /// OPT-023
    #[test]
    fn dictionaries() {
        check(
            "{'a': '//b:c', \"d\": e,}",
            expect![[r#"[Replace(["a=//b:c", "d=e"])]"#]],
        );
        check("+{'a': 'b'}", expect![[r#"[Add(["a=b"])]"#]]);
        check("{'a' 'b'}", expect!["6: expected `:`"]);
    }

    /// OPT-025
    #[test]
    fn escapes() {
        check(
            r#"['a\'\n\\', "\x41\101\q", '']"#,
            expect![[r#"[Replace(["a'\n\\", "AA\\q", ""])]"#]],
        );
    }

    /// OPT-027
    #[test]
    fn mistakes() {
        check("[1", expect!["3: expected `,` or `]`"]);
        check(
            "[,]",
            expect!["2: expected a text, in quotes or without special characters"],
        );
        check("['a", expect!["4: expected the quote that closes the text"]);
        check("[1] x", expect!["5: expected `,` or the end"]);
        check("[1],2", expect!["5: expected `[`, `(` or `{`"]);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[\\[(){}+\\-,:'\"\\\\x0-9a ]{0,20}") {
            let _ = edits(&text, true);
        }
    }
}
