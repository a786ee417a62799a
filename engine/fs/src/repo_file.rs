//! Just enough of `REPO.bazel` to know which directories it ignores.
//!
//! The file is Starlark, but it must be known before any directory is entered, and all it may
//! hold are calls with literal arguments. So it is read here, without the interpreter.

use kiln_diag::{Diag, Span};

/// The patterns of `ignore_directories([...])` in the text of a `REPO.bazel`; none without such a
/// call. Other calls (`repo(...)`) are skipped. `file` is the path for messages.
///
/// Errors: the argument is not a list of literal strings, a string does not end, the call stands
/// there twice.
pub fn read_ignore_directories(file: &str, text: &str) -> Result<Vec<String>, Diag> {
    let mut reader = Reader { file, text, at: 0 };
    let mut found: Option<Vec<String>> = None;
    let mut depth = 0usize;
    loop {
        let start = reader.skip_blank();
        match reader.token()? {
            Token::End => return Ok(found.unwrap_or_default()),
            Token::Name("ignore_directories") if depth == 0 => {
                if found.is_some() {
                    return Err(reader.error(start, "`ignore_directories` is called twice"));
                }
                found = Some(reader.arguments()?);
            }
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
}

enum Token<'a> {
    Name(&'a str),
    Text(String),
    Mark(char),
    End,
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// `(`, optionally `dirs =`, a list of strings, `)`.
    fn arguments(&mut self) -> Result<Vec<String>, Diag> {
        self.expect('(')?;
        let start = self.skip_blank();
        match self.token()? {
            Token::Name("dirs") => {
                self.expect('=')?;
                self.expect('[')?;
            }
            Token::Mark('[') => {}
            _ => return Err(self.error(start, "expected a list of literal strings")),
        }
        let mut patterns = Vec::new();
        loop {
            let start = self.skip_blank();
            match self.token()? {
                Token::Text(pattern) => patterns.push(pattern),
                Token::Mark(',') => {}
                Token::Mark(']') => break,
                _ => return Err(self.error(start, "expected a literal string, `,` or `]`")),
            }
        }
        let start = self.skip_blank();
        match self.token()? {
            Token::Mark(')') => return Ok(patterns),
            Token::Mark(',') => {}
            _ => return Err(self.error(start, "expected `)`")),
        }
        self.expect(')')?;
        Ok(patterns)
    }

    fn expect(&mut self, wanted: char) -> Result<(), Diag> {
        let start = self.skip_blank();
        match self.token()? {
            Token::Mark(mark) if mark == wanted => Ok(()),
            _ => Err(self.error(start, &format!("expected `{wanted}`"))),
        }
    }

    fn token(&mut self) -> Result<Token<'a>, Diag> {
        self.skip_blank();
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else {
            return Ok(Token::End);
        };
        if first == '"' || first == '\'' {
            return self.string(first).map(Token::Text);
        }
        let name = |c: char| c.is_alphanumeric() || c == '_';
        let length = match rest.find(|c| !name(c)) {
            Some(0) => {
                self.at += first.len_utf8();
                return Ok(Token::Mark(first));
            }
            Some(length) => length,
            None => rest.len(),
        };
        self.at += length;
        Ok(Token::Name(&rest[..length]))
    }

    /// A literal string, in one or three quotes.
    fn string(&mut self, quote: char) -> Result<String, Diag> {
        let start = self.at;
        let triple: String = [quote; 3].iter().collect();
        let end: &str = match self.text[start..].starts_with(&triple) {
            true => &triple,
            false => &triple[..1],
        };
        self.at += end.len();
        let mut value = String::new();
        loop {
            let rest = &self.text[self.at..];
            if rest.starts_with(end) {
                self.at += end.len();
                return Ok(value);
            }
            let mut chars = rest.chars();
            match chars.next() {
                Some('\n') if end.len() == 1 => break,
                Some('\\') => {
                    // A path needs no other escapes than these two.
                    let escaped = chars.next();
                    value.extend(escaped.filter(|c| matches!(c, '\\' | '"' | '\'')));
                    self.at += 1 + escaped.map_or(0, char::len_utf8);
                }
                Some(c) => {
                    value.push(c);
                    self.at += c.len_utf8();
                }
                None => break,
            }
        }
        Err(self.error(start, "the string does not end"))
    }

    /// Skips white space and comments; returns where the next token begins.
    fn skip_blank(&mut self) -> usize {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return self.at;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn error(&self, start: usize, message: &str) -> Diag {
        let end = self.at.max(start + 1);
        Diag::build(message).at(Span::of_bytes(self.file, self.text, start, end))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expect: Expect) {
        match read_ignore_directories("REPO.bazel", text) {
            Ok(patterns) => expect.assert_eq(&format!("{patterns:?}")),
            Err(diag) => expect.assert_eq(&diag.render()),
        }
    }

    #[test]
    fn calls() {
        check("", expect!["[]"]);
        check("repo(default_visibility = ['//a:b'])", expect!["[]"]);
        check(
            "# ignore_directories(['no'])\nignore_directories([\n  'a/*', # one\n  \"\"\"b\"\"\",\n])",
            expect![[r#"["a/*", "b"]"#]],
        );
        check("ignore_directories(dirs = [],)", expect!["[]"]);
    }

    #[test]
    fn mistakes() {
        check(
            "ignore_directories(DIRS)",
            expect![[r#"
                error: expected a list of literal strings
                  --> REPO.bazel:1:20
                   |
                 1 | ignore_directories(DIRS)
                   |                    ^^^^"#]],
        );
        check(
            "ignore_directories(['a' + 'b'])",
            expect![[r#"
                error: expected a literal string, `,` or `]`
                  --> REPO.bazel:1:25
                   |
                 1 | ignore_directories(['a' + 'b'])
                   |                         ^"#]],
        );
        check(
            "ignore_directories(['a\n",
            expect![[r#"
                error: the string does not end
                  --> REPO.bazel:1:21
                   |
                 1 | ignore_directories(['a
                   |                     ^^"#]],
        );
        check(
            "ignore_directories([])\nignore_directories([])",
            expect![[r#"
                error: `ignore_directories` is called twice
                  --> REPO.bazel:2:1
                   |
                 2 | ignore_directories([])
                   | ^^^^^^^^^^^^^^^^^^"#]],
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ai(\\[\\])'\"\\\\,=#\nä]{0,40}") {
            let _ = read_ignore_directories("f", &text);
            let _ = read_ignore_directories("f", &format!("ignore_directories({text}"));
        }
    }
}
