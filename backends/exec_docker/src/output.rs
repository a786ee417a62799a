//! Takes what a container writes apart: the output of an action, and what the runner says.
//!
//! Both come over the same streams. What the runner says is a line that begins with a token that
//! nobody else knows; everything else is the action's.

/// One of the two streams.
pub(crate) struct Stream {
    /// A line feed, the token, and, where the runner has more to say, a space.
    mark: Vec<u8>,
    /// What may be the beginning of a mark, or what follows one.
    held: Vec<u8>,
}

/// What the runner said: the rest of its line.
pub(crate) type Said = String;

/// What the runner says is short; a longer line is none of its.
const MAX_LINE: usize = 64;

impl Stream {
    /// A stream in which the runner speaks with that token.
    pub(crate) fn new(token: &str) -> Stream {
        Stream {
            mark: format!("\n{token}").into_bytes(),
            held: Vec::new(),
        }
    }

    /// Takes what came; hands the action's part to `output` and returns what the runner said.
    pub(crate) fn push(&mut self, bytes: &[u8], mut output: impl FnMut(&[u8])) -> Vec<Said> {
        self.held.extend_from_slice(bytes);
        let mut said = Vec::new();
        loop {
            let Some(at) = find(&self.held, &self.mark) else {
                let keep = overlap(&self.held, &self.mark);
                let end = self.held.len() - keep;
                if end > 0 {
                    output(&self.held[..end]);
                    self.held.drain(..end);
                }
                return said;
            };
            if at > 0 {
                output(&self.held[..at]);
                self.held.drain(..at);
            }
            let line = &self.held[self.mark.len()..];
            match line.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    said.push(String::from_utf8_lossy(&line[..end]).trim().to_owned());
                    self.held.drain(..self.mark.len() + end + 1);
                }
                None if line.len() > MAX_LINE => {
                    // Nobody knows the token, so this does not happen; it must not grow either.
                    output(&self.held);
                    self.held.clear();
                    return said;
                }
                None => return said,
            }
        }
    }

    /// What was held back, when nothing more comes.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.held
    }
}

/// Where `needle` is.
fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    loop {
        let at = from + text[from..].iter().position(|byte| *byte == first)?;
        if text[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// How much of the end of `text` is the beginning of `needle`.
fn overlap(text: &[u8], needle: &[u8]) -> usize {
    let longest = text.len().min(needle.len().saturating_sub(1));
    let fits = |length: &usize| text.ends_with(&needle[..*length]);
    (1..=longest).rev().find(fits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(chunks: &[&str], expected: Expect) {
        let mut stream = Stream::new("tok");
        let (mut output, mut said) = (Vec::new(), Vec::new());
        for chunk in chunks {
            said.extend(stream.push(chunk.as_bytes(), |bytes| output.extend_from_slice(bytes)));
        }
        let output = String::from_utf8_lossy(&output).into_owned();
        let held = String::from_utf8_lossy(stream.rest()).into_owned();
        expected.assert_eq(&format!("{output:?} {said:?} {held:?}"));
    }

    #[test]
    fn the_action_and_the_runner_are_told_apart() {
        check(&["hello"], expect![[r#""hello" [] """#]]);
        check(&["hello\ntok 0\n"], expect![[r#""hello" ["0"] """#]]);
        check(&["hello\n\ntok 0\n"], expect![[r#""hello\n" ["0"] """#]]);
        check(
            &["a\nt", "o", "k ", "12", "7\nb"],
            expect![[r#""ab" ["127"] """#]],
        );
        check(
            &["a\ntok there\nb\ntok 0\n"],
            expect![[r#""ab" ["there", "0"] """#]],
        );
        check(&["a\nto", "x\n"], expect![[r#""a\ntox" [] "\n""#]]);
        check(&["a\n\n\nto"], expect![[r#""a\n\n" [] "\nto""#]]);
        check(&["\ntok\n"], expect![[r#""" [""] """#]]);
    }

    #[test]
    fn whatever_the_chunks_it_is_the_same() {
        let text = "x\n\ntok 3\n\n\ntoktok y\ntok clean 0\nz";
        let whole = {
            let mut output = Vec::new();
            let said = Stream::new("tok").push(text.as_bytes(), |b| output.extend_from_slice(b));
            (output, said)
        };
        for size in 1..text.len() {
            let mut stream = Stream::new("tok");
            let (mut output, mut said) = (Vec::new(), Vec::new());
            for chunk in text.as_bytes().chunks(size) {
                said.extend(stream.push(chunk, |bytes| output.extend_from_slice(bytes)));
            }
            assert_eq!((output, said), whole, "chunks of {size}");
        }
    }
}
