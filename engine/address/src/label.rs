//! Labels in all of Bazel's spellings.

use std::fmt;
use std::sync::Arc;

use kiln_base::RelPath;

use crate::RepoMapping;

/// The canonical name of a repository; empty for the root repository.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repo(Arc<str>);

impl Repo {
    /// The root repository.
    pub fn root() -> Repo {
        Repo(Arc::from(""))
    }

    /// A repository by its canonical name; empty is the root.
    pub fn new(canonical: impl AsRef<str>) -> Repo {
        Repo(Arc::from(canonical.as_ref()))
    }

    /// The canonical name; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the root repository.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The folder of the repository in a runfiles tree; the root's is `_main` (Bazel: bzlmod).
    pub fn runfiles_name(&self) -> &str {
        if self.is_root() { "_main" } else { &self.0 }
    }
}

impl fmt::Debug for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@@{}", self.0)
    }
}

/// A package: a folder with a BUILD file, in a repository.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageId {
    /// The repository.
    pub repo: Repo,
    /// The folder, relative to the repository.
    pub path: RelPath,
}

impl PackageId {
    /// A package.
    pub fn new(repo: Repo, path: RelPath) -> PackageId {
        PackageId { repo, path }
    }

    /// The label of a target in it. `name` must be a valid target name.
    pub fn target(&self, name: &str) -> Result<Label, LabelError> {
        check_name(name).map_err(|reason| LabelError {
            text: name.to_owned(),
            reason,
        })?;
        Ok(Label {
            package: self.clone(),
            name: Arc::from(name),
        })
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A name that means nothing is shown as it was written.
        match RepoMapping::undefined(&self.repo) {
            Some(name) => write!(f, "@{name}")?,
            None if self.repo.is_root() => {}
            None => write!(f, "@@{}", self.repo.as_str())?,
        }
        write!(f, "//{}", self.path)
    }
}

impl fmt::Debug for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The one name of a target (or source file), however it was spelled.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    package: PackageId,
    name: Arc<str>,
}

/// Why a text is no label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid label `{}`: {}", self.text, self.reason)
    }
}

impl std::error::Error for LabelError {}

impl Label {
    /// The package it is in.
    pub fn package(&self) -> &PackageId {
        &self.package
    }

    /// The repository it is in.
    pub fn repo(&self) -> &Repo {
        &self.package.repo
    }

    /// The target name; may contain slashes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file this label would be as a source file, relative to its repository.
    pub fn file_path(&self) -> RelPath {
        match RelPath::normalize(&self.name) {
            Ok(name) => self.package.path.append(&name),
            Err(_) => self.package.path.clone(),
        }
    }

    /// Parses a label as written in a file of `package`, whose repository sees others through
    /// `mapping`. Accepts `:x`, `x`, `a/b.c`, `//p:x`, `//p`, `@repo//p:x`, `@repo//p`, `@repo`,
    /// `@//p:x`, `@@canonical//p:x`.
    pub fn parse(
        text: &str,
        package: &PackageId,
        mapping: &RepoMapping,
    ) -> Result<Label, LabelError> {
        let fail = |reason: String| LabelError {
            text: text.to_owned(),
            reason,
        };
        let (repo, rest) = split_repo(text, &package.repo, mapping).map_err(fail)?;
        let Some(rest) = rest else {
            // `@repo` alone is `@repo//:repo`.
            let name = text.trim_start_matches('@');
            return PackageId::new(repo, RelPath::root())
                .target(name)
                .map_err(|e| fail(e.reason));
        };
        let Some(path) = rest.strip_prefix("//") else {
            let name = rest.strip_prefix(':').unwrap_or(rest);
            return package.target(name).map_err(|e| fail(e.reason));
        };
        let (path, name) = match path.split_once(':') {
            Some((path, name)) => (path, name),
            None => (path, path.rsplit('/').next().unwrap_or(path)),
        };
        if path.is_empty() && name.is_empty() {
            return Err(fail(
                "the root package has no default target; write `//:name`".to_owned(),
            ));
        }
        let path = RelPath::new(path).map_err(|e| fail(format!("package path {}", e.reason)))?;
        PackageId::new(repo, path)
            .target(name)
            .map_err(|e| fail(e.reason))
    }

    /// The shortest spelling a person would use from the root: `//p` for `//p:p` is not used;
    /// the name is always shown.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.package, self.name)
    }
}

/// The repository of a label's text and what is left of it; `None` when nothing is left.
fn split_repo<'a>(
    text: &'a str,
    current: &Repo,
    mapping: &RepoMapping,
) -> Result<(Repo, Option<&'a str>), String> {
    let Some(after) = text.strip_prefix('@') else {
        return Ok((current.clone(), Some(text)));
    };
    let (canonical, after) = match after.strip_prefix('@') {
        Some(after) => (true, after),
        None => (false, after),
    };
    let (name, rest) = match after.find("//") {
        Some(at) => (&after[..at], Some(&after[at..])),
        None if after.contains(':') || after.contains('/') => {
            return Err("expected `//` behind the repository name".to_owned());
        }
        None => (after, None),
    };
    if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.+~".contains(c))
    {
        return Err(format!("`{name}` is no repository name"));
    }
    let repo = match (canonical, name) {
        (_, "") if rest.is_none() => return Err("expected a repository name behind `@`".to_owned()),
        (_, "") => Repo::root(),
        (true, name) => Repo::new(name),
        (false, name) => mapping.resolve(name),
    };
    Ok((repo, rest))
}

/// Bazel's rules for target names.
fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the target name is empty".to_owned());
    }
    if let Some(c) = name
        .chars()
        .find(|c| c.is_control() || "\\:*?".contains(*c) && *c != '?')
    {
        return Err(format!("the target name contains `{}`", c.escape_default()));
    }
    if name.starts_with('/') || name.ends_with('/') {
        return Err("the target name begins or ends with `/`".to_owned());
    }
    if name == "." {
        return Ok(());
    }
    for part in name.split('/') {
        match part {
            "" => return Err("the target name contains `//`".to_owned()),
            "." | ".." => return Err(format!("the target name has a `{part}` component")),
            _ => {}
        }
    }
    Ok(())
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expect: Expect) {
        let package = PackageId::new(Repo::new("here"), RelPath::new("a/b").unwrap());
        let mut mapping = RepoMapping::new(Repo::new("here"));
        mapping.insert("googletest", Repo::new("com_google_googletest"));
        expect.assert_eq(&match Label::parse(text, &package, &mapping) {
            Ok(label) => label.to_string(),
            Err(error) => error.to_string(),
        });
    }

    #[test]
    fn spellings() {
        check(":x", expect!["@@here//a/b:x"]);
        check("x", expect!["@@here//a/b:x"]);
        check("x/y.cc", expect!["@@here//a/b:x/y.cc"]);
        check("//c", expect!["@@here//c:c"]);
        check("//c/d", expect!["@@here//c/d:d"]);
        check("//c:e", expect!["@@here//c:e"]);
        check("//:e", expect!["@@here//:e"]);
        check("@//c:e", expect!["//c:e"]);
        check(
            "@googletest",
            expect!["@@com_google_googletest//:googletest"],
        );
        check(
            "@googletest//:gtest_main",
            expect!["@@com_google_googletest//:gtest_main"],
        );
        check("@@canon+1.0//c", expect!["@@canon+1.0//c:c"]);
        check("@unknown//c", expect!["@unknown//c:c"]);
        check("a=b+c@d#e", expect!["@@here//a/b:a=b+c@d#e"]);
    }

    #[test]
    fn mistakes() {
        check("", expect!["invalid label ``: the target name is empty"]);
        check(
            "//",
            expect!["invalid label `//`: the root package has no default target; write `//:name`"],
        );
        check(
            "//a/:b",
            expect!["invalid label `//a/:b`: package path has an empty component"],
        );
        check(
            "//../a:b",
            expect!["invalid label `//../a:b`: package path is not normalized"],
        );
        check(
            ":../x",
            expect!["invalid label `:../x`: the target name has a `..` component"],
        );
        check(
            "//a:b:c",
            expect!["invalid label `//a:b:c`: the target name contains `:`"],
        );
        check(
            "@foo:bar",
            expect!["invalid label `@foo:bar`: expected `//` behind the repository name"],
        );
        check(
            "@",
            expect!["invalid label `@`: expected a repository name behind `@`"],
        );
        check(
            "@a b//:c",
            expect!["invalid label `@a b//:c`: `a b` is no repository name"],
        );
    }
}
