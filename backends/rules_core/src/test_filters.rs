//! Which targets and tests the filters of a command line mean.

use kiln_targets::{AttrValue, RuleKind, TargetDef};

use crate::test::TimeoutClass;

/// Which tests are run. In each list entries with `-` in front exclude; if others are there, one
/// of them must fit (Bazel).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct TestFilters {
    /// `--test_tag_filters`
    pub tags: Vec<String>,
    /// `--test_size_filters`
    pub sizes: Vec<String>,
    /// `--test_timeout_filters`
    pub timeouts: Vec<String>,
    /// `--test_lang_filters`: `cc` for `cc_test`.
    pub languages: Vec<String>,
}

impl TestFilters {
    /// Whether a test passes all of them.
    pub(crate) fn fit(&self, def: &TargetDef) -> bool {
        // What is no class is told when the test runs, and until then is the default.
        let class = TimeoutClass::of(text(def, "timeout"), size(def));
        let timeout = class.map_or("moderate", TimeoutClass::name);
        let language = def.rule.name.rsplit_once('_');
        let language = language.map_or(&*def.rule.name, |(language, _)| language);
        tags_fit(def, &self.tags)
            && fits(&self.sizes, |filter| filter == size(def))
            && fits(&self.timeouts, |filter| filter == timeout)
            && fits(&self.languages, |filter| filter == language)
    }
}

/// Whether something passes a filter; `is` compares it with one entry.
fn fits(filters: &[String], is: impl Fn(&str) -> bool) -> bool {
    let refused = filters.iter().filter_map(|filter| filter.strip_prefix('-'));
    let mut wanted = filters.iter().filter(|filter| !filter.starts_with('-'));
    let any = filters.iter().any(|filter| !filter.starts_with('-'));
    !refused.into_iter().any(&is)
        && (!any || wanted.any(|filter| is(filter.strip_prefix('+').unwrap_or(filter))))
}

/// `--test_tag_filters`, `--build_tag_filters`; the size is a tag as well.
pub(crate) fn tags_fit(def: &TargetDef, filters: &[String]) -> bool {
    let own_size = text(def, "size");
    fits(filters, |filter| {
        def.tags().any(|tag| tag == filter) || own_size == Some(filter)
    })
}

/// The `tags` of a suite: `-tag` must not be there, every other one must.
pub(crate) fn suite_tags_fit(def: &TargetDef, wanted: &[String]) -> bool {
    let has = |tag: &str| def.tags().any(|own| own == tag) || size(def) == tag;
    wanted.iter().all(|tag| match tag.strip_prefix('-') {
        Some(tag) => !has(tag),
        None => has(tag.trim_start_matches('+')),
    })
}

/// Whether wildcards leave it out.
pub(crate) fn is_manual(def: &TargetDef) -> bool {
    def.tags().any(|tag| tag == "manual")
}

/// Whether it stands for tests.
pub(crate) fn is_suite(def: &TargetDef) -> bool {
    matches!(&def.rule.kind, RuleKind::Builtin(kind) if **kind == *"test_suite")
}

fn size(def: &TargetDef) -> &str {
    text(def, "size").unwrap_or("medium")
}

fn text<'a>(def: &'a TargetDef, attr: &str) -> Option<&'a str> {
    let text = def.attr(attr).and_then(AttrValue::as_str);
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn entries_include_and_exclude() {
        for (filters, a, b) in [
            (&[][..], true, true),
            (&["a"], true, false),
            (&["+a"], true, false),
            (&["-a"], false, true),
            (&["a", "b"], true, true),
            (&["a", "-a"], false, false),
            (&["-a", "b"], false, true),
        ] {
            let filters: Vec<String> = filters.iter().map(|text| text.to_string()).collect();
            assert_eq!(fits(&filters, |filter| filter == "a"), a, "{filters:?}");
            assert_eq!(fits(&filters, |filter| filter == "b"), b, "{filters:?}");
        }
    }
}
