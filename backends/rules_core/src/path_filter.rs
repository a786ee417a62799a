//! Which paths regular expressions mean.

use std::fmt;

use kiln_diag::Diag;
use regex_lite::Regex;

/// Paths of which one of some expressions fits the whole (Bazel: `--remote_download_regex`).
#[derive(Default)]
pub struct PathFilter(Vec<Regex>);

impl PathFilter {
    /// Reads expressions.
    ///
    /// Errors: one that is none.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<PathFilter, Diag> {
        let read = |text: &str| {
            // First as it was given: so errors are told, and parentheses must pair.
            let whole = format!("^(?:{text})$");
            let regex = Regex::new(text).and_then(|_| Regex::new(&whole));
            regex
                .map_err(|error| Diag::usage(format!("`{text}` is no regular expression: {error}")))
        };
        texts
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map(PathFilter)
    }

    /// Whether there are no expressions.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one fits.
    pub fn fits(&self, path: &str) -> bool {
        self.0.iter().any(|regex| regex.is_match(path))
    }
}

impl fmt::Debug for PathFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(Regex::as_str))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_path_counts() {
        let filter = PathFilter::parse([r".*\.txt", "out/a|out/b"]).expect("two");
        let paths = ["out/x.txt", "out/x.txt.gz", "out/a", "out/ab", "x/out/b"];
        assert_eq!(
            paths.map(|path| filter.fits(path)),
            [true, false, true, false, false]
        );
        assert!(!PathFilter::default().fits("a"));
        for wrong in ["(", "a)(b", "*"] {
            let error = PathFilter::parse([wrong]).expect_err("no expression");
            assert!(error.message().contains(wrong), "{error}");
        }
    }
}
