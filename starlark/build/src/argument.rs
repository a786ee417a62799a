//! Finding the place of one argument of a call, for messages.

use kiln_diag::Span;
use kiln_host::starlark::codemap::{FileSpan, Span as CodeSpan};
use kiln_host::starlark::eval::Evaluator;
use kiln_host::to_span;

/// The place of the named argument of the call that is running, if the call writes it out.
pub(crate) fn argument_span(eval: &Evaluator<'_, '_, '_>, name: &str) -> Option<Span> {
    let call = eval.call_stack_top_location()?;
    let (start, end) = find(call.source_span(), name)?;
    let begin = call.span.begin();
    let span = CodeSpan::new(begin + start as u32, begin + end as u32);
    Some(to_span(&FileSpan {
        file: call.file,
        span,
    }))
}

/// The bytes of `name = value` directly between the outermost brackets of a call's text.
fn find(text: &str, name: &str) -> Option<(usize, usize)> {
    let mut depth = 0_usize;
    let mut quote: Option<u8> = None;
    let mut found: Option<usize> = None;
    let bytes = text.as_bytes();
    let mut at = text.find('(')?;
    while at < bytes.len() {
        let byte = bytes[at];
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'#') => at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(0),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return found.map(|start| (start, at));
                }
            }
            (None, b',') if depth == 1 => {
                if let Some(start) = found {
                    return Some((start, at));
                }
            }
            (None, _) if depth == 1 && found.is_none() && is_argument(text, at, name) => {
                found = Some(at);
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn is_argument(text: &str, at: usize, name: &str) -> bool {
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts = at == 0 || !in_word(text.as_bytes()[at - 1]);
    let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix(name)) else {
        return false;
    };
    let rest = rest.trim_start();
    starts && rest.starts_with('=') && !rest.starts_with("==")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_found() {
        let found = |text: &str, name| find(text, name).map(|(a, b)| text[a..b].to_owned());
        let text = "f(a = 'srcs = 1', b = g(srcs = 2), # srcs = 3\n  srcs = [x, y], z = 1)";
        assert_eq!(found(text, "srcs").as_deref(), Some("srcs = [x, y]"));
        assert_eq!(found(text, "z").as_deref(), Some("z = 1"));
        assert_eq!(found(text, "x"), None);
        assert_eq!(found("f(xa = 1, a == 1, a=2)", "a").as_deref(), Some("a=2"));
        assert_eq!(found("f(**kwargs)", "a"), None);
        assert_eq!(found("f", "a"), None);
        assert_eq!(found("f('", "a"), None);
    }
}
