//! Plans as lists of steps.

use std::fmt::Write;

use expect_test::{Expect, expect};
use kiln_tree::TreeBuilder;

use super::*;
use crate::testing::process;

/// `inputs` are paths, with `/` at the end for an empty folder and `a -> b` for a link.
fn check(workdir: &str, inputs: &[&str], outputs: &[&str], expected: Expect) {
    let mut builder = TreeBuilder::new();
    for input in inputs {
        let (path, node) = match (input.split_once(" -> "), input.strip_suffix('/')) {
            (Some((path, target)), _) => (path, Node::Symlink(target.into())),
            (None, Some(path)) => (path, Node::Dir(Tree::empty())),
            (None, None) => {
                let digest = Digest::of(input.as_bytes());
                let executable = input.ends_with(".sh");
                (*input, Node::File { digest, executable })
            }
        };
        builder.add(&RelPath::new(path).unwrap(), node).unwrap();
    }
    let mut process = process(&["true"]);
    process.workdir = RelPath::new(workdir).unwrap();
    process.inputs = builder.build();
    process.outputs = outputs.iter().map(|o| RelPath::new(o).unwrap()).collect();
    let mut text = String::new();
    match Plan::of(&process, &mut ()) {
        Err(clash) => _ = write!(text, "clash at {}", clash.path),
        Ok(plan) => {
            for step in plan.inputs.iter().chain(&plan.writable) {
                let _ = match step {
                    Step::Dir(at) => writeln!(text, "dir {at}"),
                    Step::File(_, x, at) => writeln!(text, "file {at} {x}"),
                    Step::Tree(name, at) => writeln!(text, "tree {at} {name}"),
                    Step::Link(target, at) => writeln!(text, "link {at} -> {target}"),
                    Step::Copy(_, x, at) => writeln!(text, "copy {at} {x}"),
                    Step::Keep(at) => writeln!(text, "keep {at}"),
                    Step::Scratch(n, at) => writeln!(text, "scratch {n} `{at}`"),
                    Step::WritableDir(at) => writeln!(text, "writable {at}"),
                    Step::Return(at) => writeln!(text, "return {at}"),
                };
            }
            for OutputAt {
                path,
                scratch,
                inside,
            } in &plan.outputs
            {
                let _ = writeln!(text, "output `{path}` in {scratch} at `{inside}`");
            }
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn inputs_alone() {
    check(
        "w",
        &["a/b.h", "a/run.sh", "empty/", "l -> a/b.h"],
        &[],
        expect![[r#"
            dir a
            file a/b.h false
            file a/run.sh true
            dir empty
            link l -> a/b.h
            dir w
        "#]],
    );
}

#[test]
fn outputs_beside_inputs() {
    check(
        "",
        &[
            "src/a.c",
            "out/p/in.h",
            "out/p/sub/x",
            "out/p/deep/r/y",
            "out/q",
        ],
        &["out/p/a.o", "out/p/deep/b.o"],
        expect![[r#"
            dir out
            dir out/p
            dir out/p/deep
            dir out/p/deep/r
            file out/p/deep/r/y false
            dir out/p/sub
            file out/p/sub/x false
            file out/q false
            dir src
            file src/a.c false
            keep out/p/deep/r
            keep out/p/sub
            scratch 0 `out/p`
            writable out/p/deep
            return out/p/deep/r
            file out/p/in.h false
            return out/p/sub
            output `out/p/a.o` in 0 at `a.o`
            output `out/p/deep/b.o` in 0 at `deep/b.o`
        "#]],
    );
}

#[test]
fn parents_of_outputs_are_made() {
    check(
        "w",
        &[],
        &["a/b/c", "a/d", "e"],
        expect![[r#"
        dir w
        scratch 0 `w`
        writable w/a
        writable w/a/b
        output `a/b/c` in 0 at `a/b/c`
        output `a/d` in 0 at `a/d`
        output `e` in 0 at `e`
    "#]],
    );
}

#[test]
fn inputs_that_are_outputs_are_copies() {
    check(
        "",
        &["p/a.sh", "p/d/x", "p/d/y/z", "p/o"],
        &["p/a.sh", "p/d", "p/d/n/m"],
        expect![[r#"
            dir p
            dir p/d
            dir p/d/y
            scratch 0 `p`
            copy p/a.sh true
            writable p/d
            copy p/d/x false
            writable p/d/y
            copy p/d/y/z false
            writable p/d/n
            file p/o false
            output `p/a.sh` in 0 at `a.sh`
            output `p/d` in 0 at `d`
        "#]],
    );
}

#[test]
fn the_working_directory_as_output() {
    check(
        "w",
        &["w/a", "b"],
        &[""],
        expect![[r#"
        dir w
        scratch 0 ``
        file b false
        writable w
        copy w/a false
        output `` in 0 at `w`
    "#]],
    );
    check(
        "",
        &["a/b"],
        &[""],
        expect![[r#"
        dir a
        scratch 0 ``
        writable a
        copy a/b false
        output `` in 0 at ``
    "#]],
    );
}

#[test]
fn a_file_where_a_folder_must_be() {
    check("", &["a"], &["a/b"], expect!["clash at a"]);
    check(
        "",
        &["x/a", "x/y"],
        &["x/o", "x/a/b/c"],
        expect!["clash at x/a"],
    );
}
