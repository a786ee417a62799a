//! The words of an rc file.
//!
//! As Bazel reads them: a backslash at the end of a line joins it with the next one, any other
//! backslash takes the next character as it is, single and double quotes hold words together
//! (also in the middle of a word), `#` outside of quotes begins a comment.

use std::sync::Arc;

use kiln_diag::{Diag, Span};

use super::origin;
use crate::args::Word;

/// The lines that are not empty, each as its words.
///
/// Errors: a quote is not closed on its line.
pub(super) fn lines(file: &Arc<str>, text: &str) -> Result<Vec<Vec<Word>>, Diag> {
    let mut lexer = Lexer {
        file,
        lines: text.split('\n').map(Arc::from).collect(),
        chars: text.chars().collect(),
        at: 0,
        line: 0,
        column: 0,
    };
    let mut lines = Vec::new();
    while lexer.at < lexer.chars.len() {
        let words = lexer.line()?;
        if !words.is_empty() {
            lines.push(words);
        }
    }
    Ok(lines)
}

struct Lexer<'a> {
    file: &'a Arc<str>,
    lines: Vec<Arc<str>>,
    chars: Vec<char>,
    at: usize,
    /// Of the character at `at`, counted from 0.
    line: usize,
    column: usize,
}

impl Lexer<'_> {
    fn line(&mut self) -> Result<Vec<Word>, Diag> {
        let mut words = Vec::new();
        loop {
            self.skip_joins();
            match self.peek() {
                None => return Ok(words),
                Some('\n') => {
                    self.take();
                    return Ok(words);
                }
                Some('#') => self.comment(),
                Some(c) if c.is_whitespace() => {
                    self.take();
                }
                Some(_) => words.push(self.word()?),
            }
        }
    }

    fn word(&mut self) -> Result<Word, Diag> {
        let (line, column) = (self.line, self.column);
        let mut text = String::new();
        let mut quote: Option<char> = None;
        loop {
            self.skip_joins();
            match self.peek() {
                None | Some('\n') if quote.is_some() => {
                    let span = self.span(line, column);
                    return Err(Diag::usage("the quote is not closed on its line")
                        .at(span)
                        .hint("a backslash at the end of a line joins it with the next one"));
                }
                None => break,
                Some(c) if quote == Some(c) => {
                    self.take();
                    quote = None;
                }
                Some(c @ ('"' | '\'')) if quote.is_none() => {
                    self.take();
                    quote = Some(c);
                }
                Some('\\') => {
                    self.take();
                    text.extend(self.take());
                }
                Some(c) if quote.is_none() && (c.is_whitespace() || c == '#') => break,
                Some(c) => {
                    self.take();
                    text.push(c);
                }
            }
        }
        Ok(Word {
            text: Arc::from(text),
            origin: origin(self.span(line, column)),
        })
    }

    /// The place from a character to here, as far as it is on one line.
    fn span(&self, line: usize, column: usize) -> Span {
        let text = self.lines[line].clone();
        let end = match self.line == line {
            true => self.column,
            false => text.chars().count(),
        };
        Span {
            file: self.file.clone(),
            line: line as u32 + 1,
            column: column as u32 + 1,
            width: end.saturating_sub(column).max(1) as u32,
            text: Some(Arc::from(text.trim_end_matches('\r'))),
        }
    }

    fn comment(&mut self) {
        loop {
            self.skip_joins();
            if matches!(self.peek(), None | Some('\n')) {
                return;
            }
            self.take();
        }
    }

    /// Skips backslashes that join two lines.
    fn skip_joins(&mut self) {
        while self.peek() == Some('\\') {
            let next = (self.chars.get(self.at + 1), self.chars.get(self.at + 2));
            let length = match next {
                (Some('\n'), _) => 2,
                (Some('\r'), Some('\n')) => 3,
                _ => return,
            };
            (0..length).for_each(|_| {
                self.take();
            });
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        match c {
            '\n' => (self.line, self.column) = (self.line + 1, 0),
            _ => self.column += 1,
        }
        Some(c)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expect: Expect) {
        let shown = match lines(&Arc::from("rc"), text) {
            Ok(lines) => lines
                .iter()
                .map(|words| {
                    let words = words.iter().map(|w| format!("{} {:?}", w.origin, &*w.text));
                    words.collect::<Vec<_>>().join(", ")
                })
                .collect::<Vec<_>>()
                .join("\n"),
            Err(diag) => diag.render(),
        };
        expect.assert_eq(&shown);
    }

    #[test]
    fn words() {
        check("", expect![""]);
        check(
            "build --a=b # c\n\n  # d\ntest\t--e \r\n",
            expect![[r#"
                rc:1 "build", rc:1 "--a=b"
                rc:4 "test", rc:4 "--e""#]],
        );
        check(
            "build --a \\\n  --b\\\nc\r\nrun \\\r\n d",
            expect![[r#"
                rc:1 "build", rc:1 "--a", rc:2 "--bc"
                rc:4 "run", rc:5 "d""#]],
        );
        check(
            r##"b --c='x "y" z' "#no" a\ b c\\d "e\"f" g#h"##,
            expect![[
                r##"rc:1 "b", rc:1 "--c=x \"y\" z", rc:1 "#no", rc:1 "a b", rc:1 "c\\d", rc:1 "e\"f", rc:1 "g""##
            ]],
        );
        check("# joined \\\n still a comment\nb", expect![[r#"rc:3 "b""#]]);
        check("b ''", expect![[r#"rc:1 "b", rc:1 """#]]);
        check("b \\", expect![[r#"rc:1 "b", rc:1 """#]]);
    }

    #[test]
    fn an_open_quote() {
        check(
            "a\nbuild --copt='x y\nb",
            expect![[r#"
                error: the quote is not closed on its line
                  --> rc:2:7
                   |
                 2 | build --copt='x y
                   |       ^^^^^^^^^^^
                hint: a backslash at the end of a line joins it with the next one"#]],
        );
    }

    proptest! {
        #[test]
        fn any_text_has_words_or_an_open_quote(text in "[ab\\\\'\"# \r\nä=-]{0,60}") {
            let _ = lines(&Arc::from("rc"), &text);
        }
    }
}
