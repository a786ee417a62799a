//! Splitting texts into words as a Bourne shell does (Bazel: "Bourne shell tokenization").

use kiln_diag::Diag;

/// The words of a text: quotes group, backslashes escape; nothing is expanded.
pub(crate) fn tokenize(text: &str) -> Result<Vec<String>, Diag> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    let unclosed = |quote: char| Err(Diag::build(format!("unclosed {quote} in `{text}`")));
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return unclosed('\''),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                            None => return unclosed('"'),
                        },
                        Some(c) => word.push(c),
                        None => return unclosed('"'),
                    }
                }
            }
            '\\' => match chars.next() {
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err(Diag::build(format!("`{text}` ends with a backslash"))),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expect: Expect) {
        expect.assert_eq(&match tokenize(text) {
            Ok(words) => format!("{words:?}"),
            Err(diag) => diag.message().to_owned(),
        });
    }

    #[test]
    fn words() {
        check("", expect!["[]"]);
        check("  a  b\tc\n", expect![[r#"["a", "b", "c"]"#]]);
        check("'a b'c ''", expect![[r#"["a bc", ""]"#]]);
        check(
            r#""a \"b\" \x $HOME""#,
            expect![[r#"["a \"b\" \\x $HOME"]"#]],
        );
        check(
            r#"-DV=\"1.2\" a\ b"#,
            expect![[r#"["-DV=\"1.2\"", "a b"]"#]],
        );
        check("# no comment", expect![[r##"["#", "no", "comment"]"##]]);
    }

    #[test]
    fn mistakes() {
        check("'a", expect!["unclosed ' in `'a`"]);
        check("\"a\\", expect!["unclosed \" in `\"a\\`"]);
        check("a\\", expect!["`a\\` ends with a backslash"]);
    }
}
