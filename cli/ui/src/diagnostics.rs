//! Errors and warnings, each shown once.

use std::collections::HashSet;

use kiln_diag::Diag;

use crate::sanitize::sanitize;
use crate::style::Style;

/// What was shown already.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    seen: HashSet<String>,
}

impl Diagnostics {
    /// The text of a diagnostic, ending with a new line; `None` if it was shown before: two
    /// targets that need one broken thing report it twice.
    pub(crate) fn show(&mut self, diag: &Diag, style: Style) -> Option<String> {
        let text = sanitize(&diag.render(), style.color);
        let colored = style.color.then(|| paint(&text, style));
        let shown = colored.unwrap_or_else(|| format!("{text}\n"));
        self.seen.insert(text).then_some(shown)
    }
}

fn paint(text: &str, style: Style) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for (at, line) in text.lines().enumerate() {
        let painted = match line.split_once(':') {
            Some(("error", rest)) if at == 0 => style.red("error:") + &style.bold(rest),
            Some(("warning", rest)) if at == 0 => style.yellow("warning:") + &style.bold(rest),
            Some(("hint", rest)) => style.cyan("hint:") + rest,
            _ if line.trim_start().starts_with("--> ") => style.dim(line),
            _ => line.to_owned(),
        };
        out.push_str(&painted);
        out.push('\n');
    }
    out
}
