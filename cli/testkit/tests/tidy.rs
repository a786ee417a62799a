//! What a machine can check of how the project is built: who depends on whom, who owns which
//! third-party API, how long files and functions are, and that every crate has its lints on.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Lines that no file and no function may pass.
const MAX_FILE: usize = 800;
const MAX_FUNCTION: usize = 100;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// The rows of the first table of `docs/architecture.md` below a heading.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let (_, below) = text.split_once(heading).expect(heading);
    below
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells
                .map(|cell| cell.trim().trim_matches('`').to_owned())
                .collect()
        })
        .collect()
}

struct Manifest {
    folder: String,
    name: String,
    dependencies: BTreeSet<String>,
    lints: bool,
}

fn manifests() -> Vec<Manifest> {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let workspace: toml::Table = text.parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap();
    members
        .iter()
        .map(|member| {
            let folder = member.as_str().unwrap().to_owned();
            let text = fs::read_to_string(root().join(&folder).join("Cargo.toml")).unwrap();
            let manifest: toml::Table = text.parse().unwrap();
            let name = manifest["package"]["name"].as_str().unwrap();
            let dependencies = manifest.get("dependencies").and_then(|d| d.as_table());
            let keys = dependencies
                .map(|d| d.keys().cloned().collect())
                .unwrap_or_default();
            Manifest {
                folder,
                name: name.strip_prefix("kiln-").expect(name).to_owned(),
                dependencies: keys,
                lints: manifest.contains_key("lints"),
            }
        })
        .collect()
}

#[test]
fn dependencies_point_downward() {
    let rows = table("## The crates, and who may use whom");
    let allowed: BTreeMap<&str, (&str, BTreeSet<&str>)> = rows
        .iter()
        .map(|row| (&*row[1], (&*row[0], row[3].split_whitespace().collect())))
        .collect();
    let mut wrong = Vec::new();
    for manifest in manifests() {
        let Some((folder, may_use)) = allowed.get(&*manifest.name) else {
            wrong.push(format!("`{}` is not in the table", manifest.name));
            continue;
        };
        if *folder != manifest.folder {
            wrong.push(format!(
                "`{}` is in `{}`, not in `{folder}`",
                manifest.name, manifest.folder
            ));
        }
        for used in manifest
            .dependencies
            .iter()
            .filter_map(|name| name.strip_prefix("kiln-"))
        {
            if !may_use.contains("everything") && !may_use.contains(used) {
                wrong.push(format!("`{}` may not use `{used}`", manifest.name));
            }
        }
        let uses = |name: &str| manifest.dependencies.contains(&format!("kiln-{name}"));
        for unused in may_use
            .iter()
            .filter(|name| **name != "everything" && !uses(name))
        {
            wrong.push(format!(
                "`{}` does not use `{unused}`, which the table allows",
                manifest.name
            ));
        }
        if !manifest.lints {
            wrong.push(format!(
                "`{}` does not take the workspace's lints",
                manifest.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(
        allowed.len(),
        manifests().len(),
        "the table has crates that do not exist"
    );
}

#[test]
fn third_party_apis_have_owners() {
    let rows = table("## One owner for each third-party API");
    let mut wrong = Vec::new();
    for row in &rows {
        let owners: BTreeSet<&str> = row[1].split_whitespace().collect();
        for manifest in manifests() {
            if manifest.dependencies.contains(&row[0]) && !owners.contains(&*manifest.name) {
                wrong.push(format!("`{}` uses `{}`", manifest.name, row[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn rust_files() -> Vec<PathBuf> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                walk(&path, files);
            } else if name.ends_with(".rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    for folder in ["proto", "engine", "starlark", "backends", "cli"] {
        walk(&root().join(folder), &mut files);
    }
    assert!(files.len() > 50, "the sources were not found");
    files
}

struct Functions<'a> {
    file: &'a str,
    wrong: Vec<String>,
}

/// Tests that are lists of inputs and expected texts, and modules of functions for the interpreter
/// that are written as one function, are as long as what they hold.
fn is_a_list(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let name = attribute
            .path()
            .segments
            .last()
            .map(|segment| segment.ident.to_string());
        matches!(name.as_deref(), Some("test" | "starlark_module"))
    })
}

impl Functions<'_> {
    fn check(&mut self, name: &syn::Ident, block: &syn::Block) {
        let span = block.span();
        let lines = span.end().line + 1 - span.start().line;
        if lines > MAX_FUNCTION {
            self.wrong
                .push(format!("{}: `{name}` has {lines} lines", self.file));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_a_list(&function.attrs) {
            self.check(&function.sig.ident, &function.block);
        }
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.check(&function.sig.ident, &function.block);
        visit::visit_impl_item_fn(self, function);
    }
}

#[test]
fn files_and_functions_are_short() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        let lines = text.lines().count();
        if lines > MAX_FILE {
            wrong.push(format!("{shown} has {lines} lines"));
        }
        // Cases of a compile-fail test need not parse.
        let Ok(file) = syn::parse_file(&text) else {
            continue;
        };
        let mut functions = Functions {
            file: &shown,
            wrong: Vec::new(),
        };
        functions.visit_file(&file);
        wrong.extend(functions.wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn crates_say_what_they_are() {
    let mut wrong = Vec::new();
    for manifest in manifests() {
        let source = root().join(&manifest.folder).join("src");
        let lib = ["lib.rs", "main.rs"]
            .iter()
            .map(|name| source.join(name))
            .find(|p| p.exists());
        let text = fs::read_to_string(lib.unwrap()).unwrap();
        let docs: Vec<&str> = text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .collect();
        let about = docs.join("\n");
        if docs.len() < 2 || about.contains("To be written") {
            wrong.push(format!("`{}` does not say what it is", manifest.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_top_level_is_what_was_agreed() {
    let expected: BTreeSet<&str> = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "clippy.toml",
        "deny.toml",
        "rust-toolchain.toml",
        "rustfmt.toml",
        "cli",
        "engine",
        "starlark",
        "backends",
        "proto",
        "testdata",
        "docs",
        "target",
    ]
    .into();
    let entries = fs::read_dir(root()).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    let unexpected: Vec<String> = names
        .filter(|name| !name.starts_with('.') && !expected.contains(&**name))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}
