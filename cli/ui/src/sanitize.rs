//! Text of others, made harmless: a file name or a compiler's output must not move the cursor,
//! rename the window or hide what comes after it.

/// Drops control characters but new lines and tabs. Escape sequences go as a whole, but those that
/// only set colors stay if `colors` is set.
pub(crate) fn sanitize(text: &str, colors: bool) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    let mut colored = false;
    while let Some(at) = rest.find(is_control) {
        clean.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match rest.starts_with('\x1b') {
            true => escape_length(rest),
            false => rest.chars().next().map_or(0, char::len_utf8),
        };
        let sequence = &rest[..length];
        if colors && is_color(sequence) {
            clean.push_str(sequence);
            colored = true;
        }
        rest = &rest[length..];
    }
    clean.push_str(rest);
    if colored {
        clean.push_str("\x1b[0m");
    }
    clean
}

fn is_control(c: char) -> bool {
    // The last ones change the direction of text and can make it read as something else.
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Bytes of the escape sequence at the start of `text` (ECMA-48).
fn escape_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let end = match bytes.get(1) {
        // CSI: parameters, then one byte from 0x40.
        Some(b'[') => bytes[2..]
            .iter()
            .position(|byte| !(0x20..0x40).contains(byte))
            .map_or(bytes.len(), |at| at + 3),
        // OSC, DCS, and so on: up to BEL or ESC \. One that does not end is only its start.
        Some(b']' | b'P' | b'X' | b'^' | b'_') => text
            .find('\x07')
            .map(|at| at + 1)
            .into_iter()
            .chain(text.find("\x1b\\").map(|at| at + 2))
            .min()
            .unwrap_or(2),
        Some(_) => 2,
        None => 1,
    };
    let mut end = end.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

fn is_color(sequence: &str) -> bool {
    let parameters = sequence
        .strip_prefix("\x1b[")
        .and_then(|sequence| sequence.strip_suffix('m'));
    parameters.is_some_and(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b';'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_colors_may_stay() {
        let text = "a\x1b[31mred\x1b[0m\x1b[2Jb\x1b]0;title\x07c\rd\x08e\n\tf\x1b";
        assert_eq!(sanitize(text, false), "aredbcde\n\tf");
        assert_eq!(sanitize(text, true), "a\x1b[31mred\x1b[0mbcde\n\tf\x1b[0m");
        assert_eq!(sanitize("ä\u{202e}ö", true), "äö");
        assert_eq!(sanitize("\x1b]0;no end", true), "0;no end");
        assert_eq!(sanitize("\x1bä", true), "ä");
        assert_eq!(sanitize("\x1b[31ä", true), "ä");
    }

    proptest! {
        #[test]
        fn nothing_dangerous_stays(text in "[a\x1b\\[\\]0;mäJ\x07\\\\\r\n]{0,40}") {
            let clean = sanitize(&text, false);
            prop_assert!(!clean.contains(is_control), "{:?}", clean);
            let colored = sanitize(&text, true);
            let mut rest = colored.as_str();
            while let Some(at) = rest.find('\x1b') {
                let length = escape_length(&rest[at..]);
                prop_assert!(is_color(&rest[at..at + length]), "{:?}", colored);
                rest = &rest[at + length..];
            }
        }
    }
}
