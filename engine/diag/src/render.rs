//! Plain text in the shape of a compiler's messages.

use std::fmt::Write;

use crate::{Diag, Span};

pub(crate) fn render(diag: &Diag) -> String {
    let mut out = String::new();
    let level = if diag.is_warning() {
        "warning"
    } else {
        "error"
    };
    let _ = write!(out, "{level}: {}", diag.message());
    if let Some(span) = diag.span() {
        excerpt(&mut out, span);
    }
    for note in diag.notes() {
        let _ = write!(out, "\n   = {}", indented(&note.message, "     "));
        if let Some(span) = &note.span {
            excerpt(&mut out, span);
        }
    }
    for hint in diag.hints() {
        let _ = write!(out, "\nhint: {}", indented(hint, "      "));
    }
    out
}

/// A text with its lines from the second on indented; empty ones stay empty.
fn indented(text: &str, by: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
            out.push_str(if line.is_empty() { "" } else { by });
        }
        out.push_str(line);
    }
    out
}

fn excerpt(out: &mut String, span: &Span) {
    let _ = write!(out, "\n  --> {span}");
    let Some(text) = &span.text else { return };
    let number = span.line.to_string();
    let blank = " ".repeat(number.len());
    let shown: String = text.trim_end().chars().take(200).collect();
    // Tabs stay tabs in the marker line, so that it lines up whatever their width.
    let pad: String = text
        .chars()
        .take(span.column.saturating_sub(1) as usize)
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    let marks = "^".repeat(span.width.min(120) as usize);
    let _ = write!(
        out,
        "\n {blank} |\n {number} | {shown}\n {blank} | {pad}{marks}"
    );
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::{Diag, Span};

    #[test]
    fn a_whole_message() {
        let file = "cc_library(\n    nmae = \"x\",\n)\n";
        let diag = Diag::build("unknown attribute `nmae` in `cc_library`")
            .at(Span::of_bytes("a/BUILD", file, 16, 20))
            .note("declared attributes are listed by `kiln help cc_library`")
            .did_you_mean("nmae", ["name", "srcs"]);
        expect![[r#"
            error: unknown attribute `nmae` in `cc_library`
              --> a/BUILD:2:5
               |
             2 |     nmae = "x",
               |     ^^^^
               = declared attributes are listed by `kiln help cc_library`
            hint: did you mean `name`?"#]]
        .assert_eq(&diag.render());
    }

    #[test]
    fn spans_survive_odd_offsets() {
        let span = Span::of_bytes("f", "aä\nb", 2, 99);
        assert_eq!((span.line, span.column), (1, 2));
        let span = Span::of_bytes("f", "", 5, 9);
        assert_eq!((span.line, span.column, span.width), (1, 1, 1));
    }
}
