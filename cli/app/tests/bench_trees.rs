//! The trees of the benchmark (`cli/bench`) are what kiln takes them for: every target is found,
//! outputs are right, and an edit runs what depends on it and nothing else (GR-068).

#![allow(clippy::unwrap_used)]

use std::process::Command;

use kiln_bench::{Edit, Flavour, Form, Tree};
use kiln_testkit::Workspace;

fn workspace(tree: &Tree) -> Workspace {
    let workspace = Workspace::new(env!("CARGO_BIN_EXE_kiln"));
    tree.write(Form::Build, &workspace.root()).unwrap();
    workspace
}

/// Runs a command; how many actions it executed.
fn executed(workspace: &Workspace, command: &str) -> usize {
    let output = workspace.kiln(&format!("{command} //... --format=json"));
    assert_eq!(output.code, Some(0), "{}", output.show());
    let count = output
        .json("actions.executed")
        .expect("the summary has a count");
    count.parse().unwrap()
}

fn assert_outputs(workspace: &Workspace, tree: &Tree) {
    for (path, expected) in tree.outputs() {
        let got = workspace.read(&format!("kiln-out/fastbuild/bin/{path}"));
        assert_eq!(got.as_deref(), Some(&*expected), "{path}");
    }
    for (path, expected) in tree.programs() {
        let program = workspace.root().join("kiln-out/fastbuild/bin").join(path);
        let output = Command::new(&program).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
}

#[test]
fn genrules() {
    let mut tree = Tree::new(Flavour::Genrule, 24, 1);
    let workspace = workspace(&tree);
    assert_eq!(executed(&workspace, "build"), 24);
    assert_outputs(&workspace, &tree);

    for edit in [Edit::Top, Edit::Base] {
        tree.edit(edit, &workspace.root()).unwrap();
        let dirty = tree.graph().dependents(tree.edited(edit));
        assert_eq!(executed(&workspace, "build"), dirty, "{edit:?}");
        assert_outputs(&workspace, &tree);
    }
    tree.edit(Edit::Comment, &workspace.root()).unwrap();
    assert_eq!(executed(&workspace, "build"), 1, "its output is as before");
    assert_outputs(&workspace, &tree);
}

#[test]
fn cc() {
    let mut tree = Tree::new(Flavour::Cc, 9, 1);
    let workspace = workspace(&tree);
    // Three compilations, an archive and two links in each package, and its test.
    assert_eq!(executed(&workspace, "test"), 3 * 7);
    assert_outputs(&workspace, &tree);
    tree.edit(Edit::Base, &workspace.root()).unwrap();
    // A compilation and an archive; links and tests of all that depends on it.
    let dependents = tree.graph().dependents(tree.edited(Edit::Base));
    assert_eq!(executed(&workspace, "test"), 2 + 3 * dependents);
    assert_outputs(&workspace, &tree);
}

#[test]
fn labels() {
    let tree = Tree::new(Flavour::List, 24, 1);
    let output = workspace(&tree).kiln("list //...");
    let listed: Vec<&str> = output.stdout.lines().collect();
    let mut expected: Vec<String> = tree.labels().into_iter().collect();
    expected.sort_unstable();
    let mut sorted = listed.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected, "{}", output.show());
}
