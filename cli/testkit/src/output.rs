//! What a run left.

/// Exit code, standard output and standard error, with machine-dependent parts replaced: folders
/// by `[ROOT]` and `[CACHE]`, times by `[TIME]`.
pub struct Output {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    pub(crate) fn new(output: std::process::Output, redactions: &[(String, &str)]) -> Output {
        let text = |bytes: &[u8]| {
            let mut text = String::from_utf8_lossy(bytes).into_owned();
            for (from, to) in redactions {
                text = text.replace(from, to);
            }
            without_times(&text)
        };
        Output {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// All of it in one text, for snapshots.
    pub fn show(&self) -> String {
        let code = self
            .code
            .map_or("a signal".to_owned(), |code| code.to_string());
        let mut text = format!("exit: {code}\n");
        for (name, part) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !part.is_empty() {
                text.push_str(&format!("--- {name}\n{part}"));
                if !part.ends_with('\n') {
                    text.push('\n');
                }
            }
        }
        text
    }

    /// Of a run with `--format=json`: the exit code, how many actions ran, and how many results each
    /// cache knew.
    pub fn counts(&self) -> String {
        let of = |name: &str| {
            let field = self.json(&format!("actions.{name}"));
            field.unwrap_or_else(|| self.show())
        };
        format!(
            "exit {:?}: {} run, {} remote, {} local",
            self.code,
            of("executed"),
            of("remote_cache"),
            of("local_cache")
        )
    }

    /// The value of a field of the JSON object on standard output, given as `a.b.c`.
    pub fn json(&self, path: &str) -> Option<String> {
        let mut rest = &*self.stdout;
        for name in path.split('.') {
            let at = rest.find(&format!("\"{name}\""))?;
            rest = rest[at..].split_once(':')?.1;
        }
        let end = rest.find([',', '}', '\n']).unwrap_or(rest.len());
        Some(rest[..end].trim().trim_matches('"').to_owned())
    }
}

/// Replaces numbers that are followed by a unit of time (`12ms`, `0.3 s`).
fn without_times(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let after = rest[digits..].strip_prefix(' ').unwrap_or(&rest[digits..]);
        let unit = ["ms", "µs", "ns", "s", "min"].iter().find(|unit| {
            after
                .strip_prefix(**unit)
                .is_some_and(|next| !next.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        let joined = out.ends_with(|c: char| c.is_alphanumeric() || "_-/.".contains(c));
        match unit {
            Some(unit) if !joined => {
                out.push_str("[TIME]");
                rest = &after[unit.len()..];
            }
            _ => {
                out.push_str(&rest[..digits]);
                rest = &rest[digits..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::without_times;

    #[test]
    fn times_are_replaced_and_nothing_else() {
        assert_eq!(without_times("in 0.31s, 12 ms"), "in [TIME], [TIME]");
        assert_eq!(
            without_times("3 tests, line 12:5, a1s"),
            "3 tests, line 12:5, a1s"
        );
    }
}
