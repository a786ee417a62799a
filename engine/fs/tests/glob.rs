//! Globs as Bazel evaluates them, on real folders and against a model that is as simple as can be.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_fs::{Glob, Ignore, Listing, Matches, SourceRoot};
use proptest::prelude::*;

struct Repo {
    folder: tempfile::TempDir,
    ignore: Ignore,
}

impl Repo {
    /// `a/b` is a file, `a/b/` a folder, `a -> b` a link.
    fn new(paths: &[&str]) -> Repo {
        let folder = tempfile::tempdir().unwrap();
        let repo = Repo {
            folder,
            ignore: Ignore::new(),
        };
        paths.iter().for_each(|path| repo.add(path));
        repo
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn add(&self, path: &str) {
        let (path, target) = match path.split_once(" -> ") {
            Some((path, target)) => (path, Some(target)),
            None => (path, None),
        };
        let full = self.root().join(path);
        if path.ends_with('/') {
            return fs::create_dir_all(full).unwrap();
        }
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        match target {
            Some(target) => symlink(target, full).unwrap(),
            None => fs::write(full, "").unwrap(),
        }
    }

    /// The result and the folders that were listed.
    fn run(
        &self,
        package: &str,
        evaluate: impl FnOnce(
            &RelPath,
            &mut dyn FnMut(&RelPath) -> Result<Option<Arc<Listing>>, Diag>,
        ) -> Result<Matches, Diag>,
    ) -> (Result<Matches, Diag>, Vec<String>) {
        let root = SourceRoot::open(self.root()).unwrap();
        let mut listed = Vec::new();
        let matches = evaluate(&RelPath::new(package).unwrap(), &mut |path| {
            listed.push(path.to_string());
            Ok(root.list(path)?.map(Arc::new))
        });
        (matches, listed)
    }

    fn glob(&self, package: &str, include: &[&str], exclude: &[&str], no_dirs: bool) -> Shown {
        let glob = Glob::new(include, exclude, no_dirs).unwrap();
        let ignore = &self.ignore;
        let (matches, listed) =
            self.run(package, |package, list| glob.files(package, ignore, list));
        Shown { matches, listed }
    }
}

struct Shown {
    matches: Result<Matches, Diag>,
    listed: Vec<String>,
}

impl Shown {
    fn is(self, expect: Expect) {
        match self.matches {
            Ok(matches) => expect.assert_eq(&matches.paths.join(" ")),
            Err(diag) => expect.assert_eq(&diag.render()),
        }
    }
}

fn files(paths: &[&str], include: &[&str], exclude: &[&str], expect: Expect) {
    Repo::new(paths).glob("", include, exclude, true).is(expect);
}

const SMALL: &[&str] = &[
    "BUILD",
    "a.cc",
    "a.h",
    ".hidden.cc",
    "src/b.cc",
    "src/.c.cc",
    "src/deep/d.cc",
    "src/deep/e.txt",
];

#[test]
fn wildcards() {
    files(SMALL, &["*.cc"], &[], expect!["a.cc"]);
    files(SMALL, &["*"], &[], expect![".hidden.cc BUILD a.cc a.h"]);
    files(
        SMALL,
        &["**/*.cc"],
        &[],
        expect!["a.cc src/b.cc src/deep/d.cc"],
    );
    files(
        SMALL,
        &["src/**"],
        &[],
        expect!["src/.c.cc src/b.cc src/deep/d.cc src/deep/e.txt"],
    );
    files(
        SMALL,
        &["**/deep/*"],
        &[],
        expect!["src/deep/d.cc src/deep/e.txt"],
    );
    files(SMALL, &["a.h", "nothing"], &[], expect!["a.h"]);
    files(SMALL, &["**/**/a.*"], &[], expect!["a.cc a.h"]);
    // `**` does not match the file `a.h` and then nothing.
    files(SMALL, &["a.h/**"], &[], expect![""]);
}

#[test]
fn exclusion() {
    files(SMALL, &["**/*.cc"], &["src/**"], expect!["a.cc"]);
    files(
        SMALL,
        &["**/*.cc"],
        &["src/deep/d.cc", "?.cc"],
        expect!["src/b.cc"],
    );
    // A directory's name alone excludes the directory, not what is in it (Bazel).
    files(
        SMALL,
        &["**/*.txt"],
        &["src/deep"],
        expect!["src/deep/e.txt"],
    );
    files(SMALL, &["a.*"], &["a.h/**"], expect!["a.cc"]);
}

#[test]
fn directories() {
    let repo = Repo::new(&["BUILD", "d/e/f", "d/empty/", "p/BUILD", "p/g"]);
    repo.glob("", &["**"], &[], false)
        .is(expect!["BUILD d d/e d/e/f d/empty"]);
    repo.glob("", &["d/**"], &[], false)
        .is(expect!["d d/e d/e/f d/empty"]);
    repo.glob("", &["d"], &[], true).is(expect![""]);
    repo.glob("d", &["**"], &["e/**"], false)
        .is(expect!["empty"]);
}

#[test]
fn packages_below_are_not_entered() {
    let repo = Repo::new(&[
        "BUILD",
        "x/a",
        "p/BUILD",
        "p/a",
        "q/BUILD.bazel",
        "q/a",
        "r/BUILD/a",
        "q/in/BUILD",
        "x/y/BUILD",
    ]);
    // A folder called BUILD makes no package.
    let shown = repo.glob("", &["**/a", "p/a"], &[], true);
    assert_eq!(shown.matches.as_ref().unwrap().unmatched, ["p/a"]);
    shown.is(expect!["r/BUILD/a x/a"]);
    let glob = Glob::new(&["**"], &["q/**"], false).unwrap();
    let ignore = Ignore::new();
    let (matches, _) = repo.run("", |package, list| glob.subpackages(package, &ignore, list));
    expect!["p x/y"].assert_eq(&matches.unwrap().paths.join(" "));
}

#[test]
fn only_folders_that_can_match_are_listed() {
    let repo = Repo::new(&["BUILD", "a/b/c/d", "a/x/y", "z/z", "big/1/2"]);
    let listed =
        |include: &[&str], exclude: &[&str]| repo.glob("", include, exclude, true).listed.join(" ");
    expect![" a a/b a/b/c"].assert_eq(&listed(&["a/b/c/d"], &[]));
    expect![""].assert_eq(&listed(&["BUILD", "*.h"], &[]));
    expect![" z a a/x a/b a/b/c"].assert_eq(&listed(&["**"], &["big/**"]));
    expect![" a a/x a/b"].assert_eq(&listed(&["a/*/*"], &[]));
}

#[test]
fn ignored_folders_are_not_entered() {
    let mut repo = Repo::new(&[
        "BUILD",
        "a/f",
        "third/party/f",
        "node_modules/f",
        "s/node_modules/f",
        "kiln-out/f",
        "s/kiln-out/f",
        "bazel-real/f",
        "bazel-inside -> a",
    ]);
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("f"), "").unwrap();
    symlink(outside.path(), repo.root().join("bazel-bin")).unwrap();
    symlink(outside.path(), repo.root().join("linked")).unwrap();
    repo.ignore
        .add_bazelignore(".bazelignore", "# x\n\nthird/party/\n")
        .unwrap();
    repo.ignore.add_patterns(&["**/node_modules"]).unwrap();
    repo.glob("", &["**/f"], &[], true).is(expect![
        "a/f bazel-inside/f bazel-real/f linked/f s/kiln-out/f"
    ]);
    let ignores = |path: &str| repo.ignore.ignores(&RelPath::new(path).unwrap());
    assert!(ignores("third/party") && ignores("third/party/x") && ignores("s/node_modules/x"));
    assert!(ignores("kiln-out/x") && !ignores("third") && !ignores("") && !ignores("s"));
}

#[test]
fn a_bad_bazelignore() {
    let diag = Ignore::new()
        .add_bazelignore(".bazelignore", "ok\n/abs\n")
        .unwrap_err();
    expect![[r#"
        error: path `/abs` is absolute; `.bazelignore` takes paths below its folder
          --> .bazelignore:2:1
           |
         2 | /abs
           | ^^^^"#]]
    .assert_eq(&diag.render());
}

#[test]
fn links_are_followed_and_loops_end() {
    let repo = Repo::new(&[
        "BUILD",
        "real/f",
        "link -> real",
        "file -> real/f",
        "dangling -> nowhere",
        "self -> self",
        "real/up -> ..",
        "real/here -> .",
        "a/to_b -> ../b",
        "b/to_a -> ../a",
        "b/f",
        "above -> /",
    ]);
    // GR-065 as Bazel has it: a link to a folder above itself is not entered, others are.
    repo.glob("", &["**"], &[], true)
        .is(expect!["BUILD a/to_b/f b/f file link/f real/f"]);
    repo.glob("a", &["**"], &[], true).is(expect!["to_b/f"]);
    repo.glob("a", &["to_b/to_a/to_b/f"], &[], true)
        .is(expect![""]);
}

#[test]
fn many_links_are_an_error_and_not_a_hang() {
    // Fewer links in one path than the kernel refuses to follow, and far more paths than are walked.
    let repo = Repo::new(&["BUILD", "d30/f"]);
    for level in 0..30 {
        for side in ["a", "b"] {
            repo.add(&format!("d{level}/{side} -> ../d{}", level + 1));
        }
    }
    let error = repo.glob("", &["d0/**/f"], &[], true).matches.unwrap_err();
    // Which link is the last one is a matter of threads; that it is one of these is not.
    let text = error.render();
    let (_, rest) = text.split_once("through `").unwrap();
    let (link, rest) = rest.split_once("` in `d0").unwrap();
    let (folders, _) = rest.split_once('`').unwrap();
    let mut names = folders.split('/').skip(1).chain([link]);
    assert!(names.all(|name| matches!(name, "a" | "b")), "{text}");
    let shown = text.replace(&format!("`{link}` in `d0{folders}`"), "[LINK] in [FOLDER]");
    expect![[r#"
        error: a glob of package `//` reaches more than 10000 folders through symbolic links, the last one through [LINK] in [FOLDER]
        hint: name the linked folders in `exclude`, or list them in `.bazelignore`"#]]
    .assert_eq(&shown);
}

#[test]
fn names_that_are_not_utf8() {
    let repo = Repo::new(&["BUILD", "d/a.txt"]);
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
    fs::write(repo.root().join("d").join(odd), "").unwrap();
    repo.glob("", &["**/*.cc"], &[], true).is(expect![""]);
    repo.glob("", &["**/*.txt"], &["d/caf?.txt"], true)
        .is(expect!["d/a.txt"]);
    repo.glob("", &["**/*.txt"], &[], true).is(expect![[r#"
        error: the name `caf\xe9.txt` in folder `d` is not UTF-8, and a glob matches it
        hint: rename it, or exclude it from the glob (`?` stands for any character in `exclude`)"#]]);
}

#[test]
fn awkward_names() {
    let repo = Repo::new(&[
        "BUILD",
        "a b",
        "ä",
        "q\"uote",
        "new\nline",
        "#x",
        "[ab]",
        "(c)",
        "$d",
        "back\\slash",
    ]);
    repo.glob(
        "",
        &[
            "[ab]", "(c)", "$d", "back\\*", "ä", "a *", "q*", "#*", "new*",
        ],
        &[],
        true,
    )
    .is(expect![[r##"
            #x $d (c) [ab] a b back\slash new
            line q"uote ä"##]]);
}

#[test]
fn deep_trees() {
    let mut listing_of = vec![];
    let depth = 5_000;
    let glob = Glob::new(&["**/x"], &[] as &[&str], true).unwrap();
    let found = glob.files(&RelPath::root(), &Ignore::new(), &mut |path| {
        let level = path.components().count();
        listing_of.push(level);
        let name = if level == depth { "x" } else { "d" };
        let kind = if level == depth {
            kiln_fs::EntryKind::File
        } else {
            kiln_fs::EntryKind::Directory
        };
        Ok(Some(Arc::new(Listing::from_entries([(name.into(), kind)]))))
    });
    assert_eq!(found.unwrap().paths.len(), 1);
    assert_eq!(listing_of.len(), depth + 1);
}

/// Bazel's rule, component by component, with no thought for speed.
fn model(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.first(), path.first()) {
        (None, None) => true,
        (Some(&"**"), _) => {
            (pattern.len() > 1 && model(&pattern[1..], path))
                || (!path.is_empty() && model_after(pattern, &path[1..]))
        }
        (Some(p), Some(n)) => model_name(p, n) && model(&pattern[1..], &path[1..]),
        _ => false,
    }
}

fn model_after(pattern: &[&str], path: &[&str]) -> bool {
    (pattern.len() == 1 && path.is_empty()) || model(pattern, path)
}

fn model_name(pattern: &str, name: &str) -> bool {
    let hidden = name.starts_with('.') && !pattern.starts_with('.');
    if hidden && pattern != "*" {
        return false;
    }
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => (0..=name.len()).any(|at| {
            name.strip_prefix(before).is_some()
                && name.len() >= before.len() + after.len()
                && name.ends_with(after)
                && at == name.len()
        }),
    }
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("**".to_owned()), 2 => Just("*".to_owned()), 2 => "[ab]", 1 => "[ab]\\*", 1 => "\\*[ab]", 1 => "\\.[ab*]",
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    proptest::collection::vec(segment(), 1..5).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn one_walk_finds_what_the_model_finds(
        include in proptest::collection::vec(pattern(), 1..4),
        exclude in proptest::collection::vec(pattern(), 0..3),
        paths in proptest::collection::btree_set(
            proptest::collection::vec("\\.?[ab]{1,2}", 1..5).prop_map(|parts| parts.join("/f.") + "/f"), 1..20),
    ) {
        let tree = Tree(paths);
        let glob = Glob::new(&include, &exclude, true).unwrap();
        let mut listed = BTreeSet::new();
        let found = glob.files(&RelPath::root(), &Ignore::new(), &mut |path| {
            assert!(listed.insert(path.clone()), "{path} is listed twice");
            Ok(Some(Arc::new(tree.list(path))))
        });
        let found = found.unwrap();
        let matches = |patterns: &[String], path: &str| {
            let path: Vec<&str> = path.split('/').collect();
            patterns.iter().any(|p| model(&p.split('/').collect::<Vec<_>>(), &path))
        };
        let included = |path: &&String| matches(&include, path);
        let expected: Vec<String> = tree.0.iter().filter(included)
            .filter(|path| !matches_exclude(&exclude, path)).cloned().collect();
        prop_assert_eq!(&found.paths, &expected);
        for pattern in &found.unmatched {
            let alone = std::slice::from_ref(pattern);
            prop_assert!(!tree.0.iter().any(|path| matches(alone, path)), "{} matches", pattern);
        }
    }
}

/// `a/**` excludes the file `a` as well: nothing must be left for `**`.
fn matches_exclude(patterns: &[String], path: &str) -> bool {
    let path: Vec<&str> = path.split('/').collect();
    patterns.iter().any(|pattern| {
        let mut pattern: Vec<&str> = pattern.split('/').collect();
        loop {
            if model(&pattern, &path) {
                return true;
            }
            if pattern.pop() != Some("**") {
                return false;
            }
        }
    })
}

struct Tree(BTreeSet<String>);

impl Tree {
    fn list(&self, folder: &RelPath) -> Listing {
        let mut entries = std::collections::BTreeMap::new();
        for path in &self.0 {
            let below = RelPath::new(path).unwrap().strip_prefix(folder);
            let Some(below) = below.filter(|below| !below.is_root()) else {
                continue;
            };
            let (name, kind) = match below.as_str().split_once('/') {
                Some((name, _)) => (name, kiln_fs::EntryKind::Directory),
                None => (below.as_str(), kiln_fs::EntryKind::File),
            };
            entries.insert(name.to_owned(), kind);
        }
        Listing::from_entries(
            entries
                .into_iter()
                .map(|(name, kind)| (Arc::from(name), kind)),
        )
    }
}
