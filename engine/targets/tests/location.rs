//! Make variables and `$(location)` forms (Bazel: make-variables).

use std::collections::BTreeMap;
use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_address::{Label, PackageId, Repo, RepoMapping};
use kiln_base::RelPath;
use kiln_targets::{
    Artifact, ArtifactKind, Configuration, LocationKind, NoFiles, Settings, expand_locations,
    expand_make_variables, expand_unescaped_locations,
};
use proptest::prelude::*;

fn configuration() -> Configuration {
    Configuration::new(Settings::default())
}

fn label(text: &str) -> Label {
    let mut mapping = RepoMapping::new(Repo::root());
    mapping.insert("dep", Repo::new("dep"));
    let root = PackageId::new(Repo::root(), RelPath::new("").expect("the root is a path"));
    Label::parse(text, &root, &mapping).expect("a label")
}

fn source(text: &str) -> Artifact {
    Artifact::source(label(text), ArtifactKind::File)
}

fn made(target: &str, path: &str) -> Artifact {
    let path = RelPath::new(path).expect("a path");
    Artifact::derived(label(target), &configuration(), path, ArtifactKind::File)
}

/// What the labels of the tests stand for.
fn files(text: &str) -> Result<Vec<Artifact>, NoFiles> {
    match text {
        ":one" => Ok(vec![source("//pkg:one.txt")]),
        ":made" => Ok(vec![made("//pkg:gen", "pkg/out.h")]),
        ":two" => Ok(vec![source("//pkg:b.txt"), source("//pkg:a.txt")]),
        ":twice" => Ok(vec![source("//pkg:a.txt"), source("//pkg:a.txt")]),
        ":none" => Ok(Vec::new()),
        "@dep//d:file" => Ok(vec![source("@dep//d:file")]),
        "@dep//d:made" => Ok(vec![made("@dep//d:gen", "d/out.h")]),
        _ => Err(NoFiles {
            message: format!("label `{text}` is no dependency of this target"),
            cure: format!("put `{text}` into `srcs`"),
        }),
    }
}

fn check(text: &str, kind: LocationKind, expected: Expect) {
    let outcome = match expand_locations(text, kind, &mut files) {
        Ok(text) => text,
        Err(error) => format!("error: {error}; {}", error.cure),
    };
    expected.assert_eq(&outcome);
}

fn exec(text: &str, expected: Expect) {
    check(text, LocationKind::Exec, expected);
}

fn root(text: &str, expected: Expect) {
    check(text, LocationKind::Root, expected);
}

#[test]
fn location_of_a_source() {
    exec("$(location :one)", expect!["pkg/one.txt"]);
    root("$(location :one)", expect!["pkg/one.txt"]);
    exec("x$(execpath :one)y", expect!["xpkg/one.txty"]);
    exec("$(rootpath :one)", expect!["pkg/one.txt"]);
    exec("$(rlocationpath :one)", expect!["_main/pkg/one.txt"]);
}

#[test]
fn location_of_a_made_file_depends_on_where_it_is_read() {
    exec(
        "$(location :made)",
        expect!["kiln-out/fastbuild/bin/pkg/out.h"],
    );
    root("$(location :made)", expect!["pkg/out.h"]);
    root(
        "$(execpath :made)",
        expect!["kiln-out/fastbuild/bin/pkg/out.h"],
    );
    exec("$(rootpath :made)", expect!["pkg/out.h"]);
    root("$(rlocationpath :made)", expect!["_main/pkg/out.h"]);
}

#[test]
fn location_in_another_repository() {
    exec("$(location @dep//d:file)", expect!["external/dep/d/file"]);
    root("$(location @dep//d:file)", expect!["../dep/d/file"]);
    exec("$(rlocationpath @dep//d:file)", expect!["dep/d/file"]);
    exec(
        "$(execpath @dep//d:made)",
        expect!["kiln-out/fastbuild/bin/external/dep/d/out.h"],
    );
    exec("$(rootpath @dep//d:made)", expect!["../dep/d/out.h"]);
}

#[test]
fn several_files_are_sorted_and_listed_once() {
    exec("$(locations :two)", expect!["pkg/a.txt pkg/b.txt"]);
    root("$(rootpaths :two)", expect!["pkg/a.txt pkg/b.txt"]);
    exec("$(execpaths :one)", expect!["pkg/one.txt"]);
    exec(
        "$(rlocationpaths :two)",
        expect!["_main/pkg/a.txt _main/pkg/b.txt"],
    );
    exec("$(locations :twice)", expect!["pkg/a.txt"]);
}

#[test]
fn one_file_is_asked_for_and_there_are_more_or_none() {
    exec(
        "$(location :two)",
        expect![
            "error: label `:two` has 2 files, and `$(location)` needs exactly one in `$(location :two)`; write `$(locations :two)` for all of them"
        ],
    );
    exec(
        "a $(rootpath :none)",
        expect![
            "error: label `:none` has no files in `$(rootpath :none)`; make `:none` a target with files, or drop `$(rootpath :none)`"
        ],
    );
    exec(
        "$(locations :none)",
        expect![
            "error: label `:none` has no files in `$(locations :none)`; make `:none` a target with files, or drop `$(locations :none)`"
        ],
    );
}

#[test]
fn a_label_that_is_no_dependency() {
    exec(
        "cat $(location :other) > $@",
        expect![
            "error: label `:other` is no dependency of this target in `$(location :other)`; put `:other` into `srcs`"
        ],
    );
}

#[test]
fn everything_else_stays() {
    exec("", expect![""]);
    exec("no variable", expect!["no variable"]);
    exec("$@ $< $(SRCS) $(@D)", expect!["$@ $< $(SRCS) $(@D)"]);
    // A doubled sign is no way out here.
    exec("$$(location :one)", expect!["$pkg/one.txt"]);
    exec("$$$(location :one)", expect!["$$pkg/one.txt"]);
    exec("$(locationx :one)", expect!["$(locationx :one)"]);
    exec("$(dirname x)", expect!["$(dirname x)"]);
    exec("ends with $", expect!["ends with $"]);
    exec("ü$(location :one)ü", expect!["üpkg/one.txtü"]);
}

/// Where make variables come next, a doubled sign is one of its own.
#[test]
fn a_doubled_sign_before_a_form() {
    let expand = |text: &str, expected: Expect| {
        let located = expand_unescaped_locations(text, LocationKind::Exec, &mut files);
        expected.assert_eq(&located.unwrap());
    };
    expand("$$(location :one)", expect!["$$(location :one)"]);
    expand("$$$(location :one)", expect!["$$pkg/one.txt"]);
    expand("$$$$(location :one)", expect!["$$$$(location :one)"]);
    expand("$(location :one)$$", expect!["pkg/one.txt$$"]);
}

#[test]
fn blanks_around_the_label() {
    exec("$(location   :one )", expect!["pkg/one.txt"]);
}

#[test]
fn a_form_without_its_end() {
    exec(
        "$(location :one",
        expect!["error: unclosed `$(location` in `$(location :one`; close it with `)`"],
    );
}

fn variables() -> BTreeMap<Arc<str>, Arc<str>> {
    let pairs = [
        ("@", "out"),
        ("<", "in"),
        ("SRCS", "a b"),
        ("@D", "dir"),
        ("EMPTY", ""),
    ];
    pairs
        .map(|(name, value)| (name.into(), value.into()))
        .into()
}

fn make(text: &str, expected: Expect) {
    let outcome = match expand_make_variables(text, &variables()) {
        Ok(text) => text,
        Err(error) => format!("error: {error}; {}", error.cure),
    };
    expected.assert_eq(&outcome);
}

#[test]
fn variables_of_one_and_of_more_characters() {
    make("cp $< $@", expect!["cp in out"]);
    make("cat $(SRCS) > $(@D)/x", expect!["cat a b > dir/x"]);
    make("$(@) [$(EMPTY)]", expect!["out []"]);
    make("nothing", expect!["nothing"]);
}

#[test]
fn a_doubled_sign_is_one_sign() {
    make(
        "for x in a; do echo $$x; done",
        expect!["for x in a; do echo $x; done"],
    );
    make("$$@ $$$@ $$$$", expect!["$@ $out $$"]);
    // A value is not expanded again.
    make("$$(SRCS)", expect!["$(SRCS)"]);
}

#[test]
fn an_unknown_variable() {
    make(
        "$(NOPE)",
        expect!["error: unknown make variable `NOPE` in `$(NOPE)`; write `$$` for a plain `$`"],
    );
    make(
        "echo $HOME",
        expect!["error: unknown make variable `H` in `$H`; write `$$` for a plain `$`"],
    );
    make(
        "$ü",
        expect!["error: unknown make variable `ü` in `$ü`; write `$$` for a plain `$`"],
    );
}

#[test]
fn a_variable_without_its_end() {
    make(
        "$(SRCS",
        expect!["error: unclosed `$(` in `$(SRCS`; close it with `)`"],
    );
    make(
        "a$",
        expect!["error: `$` at the end of the text in `$`; write `$$` for a plain `$`"],
    );
}

proptest! {
    #[test]
    fn texts_without_the_sign_are_unchanged(text in "[^$]*") {
        prop_assert_eq!(&expand_locations(&text, LocationKind::Exec, &mut files).unwrap(), &text);
        prop_assert_eq!(&expand_make_variables(&text, &variables()).unwrap(), &text);
    }

    #[test]
    fn any_text_survives_doubling(text in ".*") {
        let doubled = text.replace('$', "$$");
        let located =
            expand_unescaped_locations(&doubled, LocationKind::Exec, &mut files).unwrap();
        prop_assert_eq!(expand_make_variables(&located, &variables()).unwrap(), text);
    }

    #[test]
    fn no_text_panics(text in "[$()@<a: ü]*") {
        let _ = expand_locations(&text, LocationKind::Root, &mut files);
        let _ = expand_make_variables(&text, &variables());
    }
}
