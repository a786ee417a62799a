//! How deeply a text nests, before it is parsed: the parser and the compiler recurse, and a file
//! must not be able to overflow the stack.

/// How deeply the text nests, or, if that is deeper than `limit`, the byte offset where it gets
/// too deep.
///
/// Brackets, indented blocks, `elif`s and operators that are chained without a comma between
/// them all count, because each is a level of the syntax tree. Over-counting is harmless as long
/// as real files stay far below the limit.
pub(crate) fn nesting(text: &str, limit: usize) -> Result<usize, usize> {
    Scanner {
        bytes: text.as_bytes(),
        at: 0,
        levels: vec![0],
        operators: 0,
        blocks: Vec::new(),
    }
    .run(limit)
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Operators seen since the last comma, for each open bracket (and outside of all).
    levels: Vec<usize>,
    /// Their sum.
    operators: usize,
    /// For each open block: its indentation and the `elif`s seen in it in a row.
    blocks: Vec<(usize, usize)>,
}

impl Scanner<'_> {
    fn run(mut self, limit: usize) -> Result<usize, usize> {
        let mut deepest = 0;
        self.line_start();
        while let Some(&byte) = self.bytes.get(self.at) {
            let start = self.at;
            self.at += 1;
            match byte {
                b'#' => self.skip_line(),
                b'"' | b'\'' => self.skip_string(byte),
                b'(' | b'[' | b'{' => {
                    self.operator();
                    self.levels.push(0);
                }
                b')' | b']' | b'}' if self.levels.len() > 1 => {
                    self.operators -= self.levels.pop().unwrap_or(0);
                }
                b',' | b';' => self.reset(),
                b'\n' if self.levels.len() == 1 => {
                    self.reset();
                    self.line_start();
                }
                b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.word(start),
                b'0'..=b'9' => self.skip_word(),
                _ if byte.is_ascii_punctuation() && byte != b'\\' => self.operator(),
                _ => {}
            }
            let blocks: usize = self.blocks.iter().map(|(_, elifs)| 1 + elifs).sum();
            let depth = self.operators + blocks;
            if depth > limit {
                return Err(start);
            }
            deepest = deepest.max(depth);
        }
        Ok(deepest)
    }

    fn operator(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            *level += 1;
            self.operators += 1;
        }
    }

    fn reset(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            self.operators -= std::mem::take(level);
        }
    }

    fn skip_line(&mut self) {
        while self.bytes.get(self.at).is_some_and(|byte| *byte != b'\n') {
            self.at += 1;
        }
    }

    fn skip_word(&mut self) {
        let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        while self.bytes.get(self.at).is_some_and(in_word) {
            self.at += 1;
        }
    }

    fn word(&mut self, start: usize) {
        self.skip_word();
        let word = &self.bytes[start..self.at];
        let operator: &[&[u8]] = &[
            b"not", b"and", b"or", b"if", b"else", b"in", b"lambda", b"for",
        ];
        if operator.contains(&word) {
            self.operator();
        }
    }

    fn skip_string(&mut self, quote: u8) {
        let triple = self.bytes[self.at..].starts_with(&[quote, quote]);
        if triple {
            self.at += 2;
        }
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                // In raw strings too a quote behind a backslash does not end the string.
                b'\\' => self.at += 1,
                b'\n' if !triple => return,
                _ if byte != quote => {}
                _ if !triple => return,
                _ if self.bytes[self.at..].starts_with(&[quote, quote]) => {
                    self.at += 2;
                    return;
                }
                _ => {}
            }
        }
    }

    /// Measures the indentation of the line that begins here, unless it is empty.
    fn line_start(&mut self) {
        let start = self.at;
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let indent = self.at - start;
        let rest = &self.bytes[self.at..];
        if matches!(rest.first(), None | Some(b'\n' | b'\r' | b'#')) {
            return;
        }
        while self.blocks.last().is_some_and(|(open, _)| *open > indent) {
            self.blocks.pop();
        }
        let (elif, other_branch) = (rest.starts_with(b"elif"), rest.starts_with(b"else"));
        match self.blocks.last_mut() {
            Some((open, elifs)) if *open == indent => match (elif, other_branch) {
                (true, _) => *elifs += 1,
                (_, true) => {}
                _ => *elifs = 0,
            },
            _ => self.blocks.push((indent, 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(text: &str) -> usize {
        nesting(text, 1_000).unwrap()
    }

    #[test]
    fn what_counts() {
        assert_eq!(depth(""), 0);
        assert_eq!(depth("x"), 1);
        assert_eq!(depth("f(a, b, c, [1, 2])"), 3);
        assert_eq!(
            depth("f('((((((((', \"[[[[\", # ((((\n '''\n((((((((\n''')"),
            2
        );
        assert_eq!(depth("a + b + c + d"), 4);
        assert_eq!(depth("f(a + b, c + d, e + f)"), 3);
        assert_eq!(depth("f(r'\\' (((', '(((((((((', 1)"), 2);
        assert_eq!(depth(r"f('\\', '(((((((((', 1)"), 2);
        assert_eq!(depth("not not not x"), 4);
        assert_eq!(
            depth("def f():\n  if x:\n    y\n  elif z:\n    y\n  elif z:\n    y\nz"),
            5
        );
        assert_eq!(depth("a\nb\nc\n"), 1);
    }

    #[test]
    fn broken_text_is_no_problem() {
        for text in ["'", "\"\\", ")))", "'''", "\\", "é'é", "[(", "  x\n y\nz"] {
            let _ = nesting(text, 400);
        }
    }

    #[test]
    fn the_place_is_where_it_gets_too_deep() {
        let text = "x = ".to_owned() + &"(".repeat(500);
        let at = nesting(&text, 400).err();
        assert!(
            at.is_some_and(|at| text.as_bytes()[at] == b'(' && at > 300),
            "{at:?}"
        );
    }
}
