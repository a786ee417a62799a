//! Target patterns of the command line, of both families: Bazel's `//a/...`, `//a:all`, `:t`,
//! `-//a/...` and Pants' `a::`, `a:`, `::`.

use kiln_base::RelPath;
use kiln_diag::Diag;

use crate::{Label, PackageId, Repo, RepoMapping};

/// What a pattern selects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PatternKind {
    /// All targets of a kind in all packages at or below a folder.
    Below(PackageId, Selector),
    /// All targets of a kind in one package.
    Package(PackageId, Selector),
    /// One target.
    Target(Label),
    /// A path without a colon: the default target of that package if there is such a package,
    /// else the targets that own this file (decided by the file system).
    Path(Repo, RelPath),
}

/// Which targets of a package a wildcard means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// Rules only (`:all`, `...`, `::`).
    Rules,
    /// Rules, generated files and source files (`:*`, `:all-targets`).
    Everything,
}

/// A pattern with its sign and its spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// The text as given.
    pub text: String,
    /// Whether it takes targets away (`-//a/...`).
    pub negative: bool,
    /// What it selects.
    pub kind: PatternKind,
}

impl Pattern {
    /// Parses one pattern. `cwd` is the current folder relative to the root repository, which
    /// relative spellings start from.
    pub fn parse(text: &str, cwd: &RelPath, mapping: &RepoMapping) -> Result<Pattern, Diag> {
        let (negative, body) = match text.strip_prefix('-') {
            Some(body) => (true, body),
            None => (false, text),
        };
        let kind = parse_kind(body, cwd, mapping).map_err(|reason| {
            Diag::usage(format!("invalid target pattern `{text}`: {reason}"))
                .hint("patterns look like `//pkg:target`, `//pkg/...`, `//pkg:all`, `pkg::` or `path/to/file`")
        })?;
        Ok(Pattern {
            text: text.to_owned(),
            negative,
            kind,
        })
    }
}

fn parse_kind(text: &str, cwd: &RelPath, mapping: &RepoMapping) -> Result<PatternKind, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let (repo, rest, absolute) = split(text, mapping)?;
    let folder = |path: &str| -> Result<PackageId, String> {
        let path = RelPath::normalize(path).map_err(|e| format!("the path {}", e.reason))?;
        let path = if absolute { path } else { join(cwd, &path) };
        Ok(PackageId::new(repo.clone(), path))
    };
    if let Some(path) = rest.strip_suffix("::") {
        return Ok(PatternKind::Below(folder(path)?, Selector::Rules));
    }
    let (path, name) = match rest.split_once(':') {
        Some((path, name)) => (path, Some(name)),
        None => (rest, None),
    };
    let recursive = match path {
        "..." => Some(""),
        path => path.strip_suffix("/..."),
    };
    if let Some(path) = recursive {
        let selector = match name {
            None | Some("all") => Selector::Rules,
            Some("*" | "all-targets") => Selector::Everything,
            Some(name) => return Err(format!("`:{name}` cannot follow `...`")),
        };
        return Ok(PatternKind::Below(folder(path)?, selector));
    }
    match name {
        None => path_pattern(&repo, path, absolute, cwd, folder(path)?),
        Some("" | "all") => Ok(PatternKind::Package(folder(path)?, Selector::Rules)),
        Some("*" | "all-targets") => Ok(PatternKind::Package(folder(path)?, Selector::Everything)),
        Some(name) => folder(path)?
            .target(name)
            .map(PatternKind::Target)
            .map_err(|e| e.reason),
    }
}

fn path_pattern(
    repo: &Repo,
    path: &str,
    absolute: bool,
    cwd: &RelPath,
    package: PackageId,
) -> Result<PatternKind, String> {
    if absolute && path.is_empty() {
        if repo.is_root() {
            return Err("the root package has no default target".to_owned());
        }
        return package
            .target(repo.as_str())
            .map(PatternKind::Target)
            .map_err(|e| e.reason);
    }
    if absolute {
        let name = package.path.file_name().to_owned();
        return package
            .target(&name)
            .map(PatternKind::Target)
            .map_err(|e| e.reason);
    }
    let path = RelPath::normalize(path).map_err(|e| format!("the path {}", e.reason))?;
    Ok(PatternKind::Path(repo.clone(), join(cwd, &path)))
}

fn join(cwd: &RelPath, path: &RelPath) -> RelPath {
    cwd.append(path)
}

/// Takes the repository off a pattern: (repository, rest without `//`, whether it was absolute).
fn split<'a>(text: &'a str, mapping: &RepoMapping) -> Result<(Repo, &'a str, bool), String> {
    if let Some(rest) = text.strip_prefix("//") {
        return Ok((mapping.owner().clone(), rest, true));
    }
    let Some(after) = text.strip_prefix('@') else {
        return Ok((mapping.owner().clone(), text, false));
    };
    let (canonical, after) = match after.strip_prefix('@') {
        Some(after) => (true, after),
        None => (false, after),
    };
    let (name, rest) = match after.find("//") {
        Some(at) => (&after[..at], &after[at + 2..]),
        None if after.contains('/') || after.contains(':') => {
            return Err("expected `//` behind the repository name".to_owned());
        }
        None => (after, ""),
    };
    let repo = if name.is_empty() {
        Repo::root()
    } else if canonical {
        Repo::new(name)
    } else {
        mapping.resolve(name)
    };
    Ok((repo, rest, true))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(cwd: &str, text: &str, expect: Expect) {
        let mapping = RepoMapping::new(Repo::root());
        let cwd = RelPath::new(cwd).unwrap();
        expect.assert_eq(&match Pattern::parse(text, &cwd, &mapping) {
            Ok(pattern) => {
                format!(
                    "{}{:?}",
                    if pattern.negative { "not " } else { "" },
                    pattern.kind
                )
            }
            Err(error) => error.message().to_owned(),
        });
    }

    #[test]
    fn bazel_patterns() {
        check("", "//...", expect!["Below(//, Rules)"]);
        check("a", "//b/...", expect!["Below(//b, Rules)"]);
        check("a", "...", expect!["Below(//a, Rules)"]);
        check("a", "b/...:*", expect!["Below(//a/b, Everything)"]);
        check("a", "-//b/...", expect!["not Below(//b, Rules)"]);
        check("", "//b:all", expect!["Package(//b, Rules)"]);
        check("", "//b:*", expect!["Package(//b, Everything)"]);
        check("", "//b", expect!["Target(//b:b)"]);
        check("", "//b:c", expect!["Target(//b:c)"]);
        check("a", ":c", expect!["Target(//a:c)"]);
        check("a", "b:c", expect!["Target(//a/b:c)"]);
        check("a", "b", expect![[r#"Path(@@, "a/b")"#]]);
        check("", "@@x//b:c", expect!["Target(@@x//b:c)"]);
        check("", "@@x", expect!["Target(@@x//:x)"]);
    }

    #[test]
    fn pants_patterns() {
        check("", "::", expect!["Below(//, Rules)"]);
        check("", "a::", expect!["Below(//a, Rules)"]);
        check("", "a:", expect!["Package(//a, Rules)"]);
        check("", "a/f.cc", expect![[r#"Path(@@, "a/f.cc")"#]]);
        check("a", "./f.cc", expect![[r#"Path(@@, "a/f.cc")"#]]);
    }

    #[test]
    fn mistakes() {
        check("", "", expect!["invalid target pattern ``: it is empty"]);
        check(
            "",
            "//",
            expect!["invalid target pattern `//`: the root package has no default target"],
        );
        check(
            "",
            "../x",
            expect!["invalid target pattern `../x`: the path leaves its root"],
        );
        check(
            "",
            "//a/...:x",
            expect!["invalid target pattern `//a/...:x`: `:x` cannot follow `...`"],
        );
    }
}
