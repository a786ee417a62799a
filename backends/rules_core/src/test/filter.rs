//! Values that a command line gives to some tests: `REGEX@VALUE`.

use std::hash::{Hash, Hasher};

use kiln_address::Label;
use kiln_diag::Diag;
use regex_lite::Regex;

/// Which labels: regular expressions with commas between them, those after a `-` exclude (Bazel:
/// `--runs_per_test`). An expression fits if it is found anywhere in the label.
#[derive(Clone, Debug)]
pub struct LabelFilter {
    text: String,
    include: Vec<Regex>,
    exclude: Vec<Regex>,
}

impl LabelFilter {
    /// Reads a filter; `\,` is a comma within an expression.
    ///
    /// Errors: an expression that is none.
    pub fn parse(text: &str) -> Result<LabelFilter, Diag> {
        let mut filter = LabelFilter {
            text: text.to_owned(),
            include: Vec::new(),
            exclude: Vec::new(),
        };
        for part in parts(text) {
            let (list, part) = match part.strip_prefix('-') {
                Some(part) => (&mut filter.exclude, part),
                None => (&mut filter.include, part.strip_prefix('+').unwrap_or(&part)),
            };
            let regex = Regex::new(part).map_err(|error| {
                Diag::usage(format!("`{part}` is no regular expression: {error}"))
            })?;
            list.push(regex);
        }
        Ok(filter)
    }

    /// Whether it fits. Without an expression that includes, everything is included.
    pub fn fits(&self, label: &Label) -> bool {
        let label = label.to_string();
        let found = |regex: &Regex| regex.is_match(&label);
        (self.include.is_empty() || self.include.iter().any(found))
            && !self.exclude.iter().any(found)
    }
}

impl PartialEq for LabelFilter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for LabelFilter {}

impl Hash for LabelFilter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// A value for the labels that a filter fits; without a filter it is for all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PerLabel<T> {
    /// Which labels.
    pub filter: Option<LabelFilter>,
    /// The value.
    pub value: T,
}

/// The value for a label: the last one that fits counts (Bazel).
pub(super) fn last_fitting<'a, T>(entries: &'a [PerLabel<T>], label: &Label) -> Option<&'a T> {
    let fits = |entry: &&PerLabel<T>| {
        let filter = entry.filter.as_ref();
        filter.is_none_or(|filter| filter.fits(label))
    };
    entries.iter().rev().find(fits).map(|entry| &entry.value)
}

/// The parts between commas; those after a backslash do not count.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(mut c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(',')) => c = chars.next().unwrap_or(c),
            (',', _) => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use kiln_address::{PackageId, Repo};
    use kiln_base::RelPath;

    use super::*;

    fn label(package: &str, name: &str) -> Label {
        let path = RelPath::new(package).expect("a path");
        let package = PackageId::new(Repo::root(), path);
        package.target(name).expect("a name")
    }

    #[test]
    fn expressions_include_and_exclude() {
        for (text, a, b) in [
            ("//foo:a", true, false),
            ("foo", true, true),
            ("^foo", false, false),
            ("//foo:.*,-:b$", true, false),
            ("-:a", false, true),
            ("+:a,:b", true, true),
            ("", true, true),
            ("a{1\\,2}$", true, false),
        ] {
            let filter = LabelFilter::parse(text).expect(text);
            assert_eq!(filter.fits(&label("foo", "a")), a, "{text}");
            assert_eq!(filter.fits(&label("foo", "b")), b, "{text}");
        }
    }

    #[test]
    fn the_last_that_fits_counts() {
        let entry = |text: Option<&str>, value| PerLabel {
            filter: text.map(|text| LabelFilter::parse(text).expect(text)),
            value,
        };
        let entries = [entry(None, 1), entry(Some(":a"), 2), entry(Some("bar"), 3)];
        assert_eq!(last_fitting(&entries, &label("foo", "a")), Some(&2));
        assert_eq!(last_fitting(&entries, &label("foo", "b")), Some(&1));
        assert_eq!(last_fitting(&entries, &label("bar", "a")), Some(&3));
        assert_eq!(last_fitting(&entries[1..], &label("foo", "b")), None);
    }

    #[test]
    fn what_is_no_expression_is_an_error() {
        let error = LabelFilter::parse("//a,-b(").expect_err("a lone parenthesis");
        expect!["error: `b(` is no regular expression: found open group without closing ')'"]
            .assert_eq(&error.render());
    }
}
