//! The two forms against each other and against the graph.

use expect_test::expect;

use super::*;

const FLAVOURS: [Flavour; 3] = [Flavour::Genrule, Flavour::Cc, Flavour::List];

/// The number at the end of a name, as in `//area0/part1:copy12` or `out/area0/part1/unit3.a`.
fn node(name: &str) -> usize {
    let name = name.rsplit(['/', ':']).next().unwrap();
    let name = name.split('.').next().unwrap();
    name.trim_start_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .unwrap()
}

/// By node, the nodes that BUILD files say it needs.
fn build_edges(tree: &Tree) -> BTreeMap<usize, Vec<usize>> {
    let mut edges: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let files = tree.files(Form::Build);
    for text in files
        .iter()
        .filter(|(path, _)| path.ends_with("/BUILD"))
        .map(|(_, text)| text)
    {
        let mut at = 0;
        for line in text.lines() {
            if let Some(name) = line.trim().strip_prefix("name = ") {
                at = node(name.trim_matches(['"', ',']));
            }
            let needs = edges.entry(at).or_default();
            needs.extend(
                line.split('"')
                    .filter(|part| part.starts_with("//area"))
                    .map(node),
            );
        }
    }
    edges
}

/// As [`build_edges`], from `build.ninja`. A link of the C++ flavour names all libraries below, so
/// the direct ones are those that the source of the library includes, as the compiler sees it.
fn ninja_edges(tree: &Tree) -> BTreeMap<usize, Vec<usize>> {
    let mut edges: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let files = tree.files(Form::Ninja);
    for line in files["build.ninja"]
        .lines()
        .filter_map(|line| line.strip_prefix("build "))
    {
        let (output, inputs) = line.split_once(": ").unwrap();
        let needs = edges.entry(node(output)).or_default();
        let others = inputs
            .split(' ')
            .skip(2)
            .filter(|_| tree.flavour != Flavour::Cc);
        needs.extend(others.map(node));
        for source in inputs
            .split(' ')
            .filter(|input| input.contains("/unit") && input.ends_with(".cc"))
        {
            let includes = files[source]
                .lines()
                .filter(|line| line.starts_with("#include"))
                .skip(1);
            needs.extend(includes.map(|line| node(line.trim_end_matches('"'))));
        }
    }
    edges
}

#[test]
fn both_forms_have_the_edges_of_the_graph() {
    for flavour in FLAVOURS {
        let tree = Tree::new(flavour, 120, 4);
        let graph: BTreeMap<usize, Vec<usize>> = (0..tree.graph.len())
            .map(|node| (node, tree.graph.needs(node).to_vec()))
            .collect();
        assert_eq!(build_edges(&tree), graph, "{flavour:?}");
        assert_eq!(ninja_edges(&tree), graph, "{flavour:?}");
    }
}

#[test]
fn links_name_every_library_below_once() {
    let tree = Tree::new(Flavour::Cc, 120, 4);
    let files = tree.files(Form::Ninja);
    for line in files["build.ninja"]
        .lines()
        .filter(|line| line.contains(": link "))
    {
        let inputs: Vec<&str> = line.split(' ').skip(3).collect();
        let own = node(inputs[0]);
        let below: Vec<usize> = inputs[1..].iter().map(|input| node(input)).collect();
        let expected: Vec<usize> = std::iter::once(own)
            .chain(tree.graph.closure(own))
            .collect();
        assert_eq!(below, expected);
    }
}

#[test]
fn trees_are_deterministic_and_forms_share_their_sources() {
    for flavour in FLAVOURS {
        let tree = Tree::new(flavour, 60, 2);
        assert_eq!(
            tree.files(Form::Build),
            Tree::new(flavour, 60, 2).files(Form::Build)
        );
        assert_eq!(
            tree.files(Form::Ninja),
            Tree::new(flavour, 60, 2).files(Form::Ninja)
        );
        let sources = |form| -> BTreeMap<String, String> {
            let described = |path: &str| {
                path.ends_with("BUILD") || path == "WORKSPACE" || path == "build.ninja"
            };
            tree.files(form)
                .into_iter()
                .filter(|(path, _)| !described(path))
                .collect()
        };
        assert_eq!(sources(Form::Build), sources(Form::Ninja));
        assert_eq!(tree.labels().len(), 60);
    }
}

/// What an edit changes on disk, and in what is expected of the outputs.
fn edited(flavour: Flavour, edit: Edit) -> String {
    let folder = tempfile::TempDir::new().unwrap();
    let mut tree = Tree::new(flavour, 90, 1);
    let before = (tree.files(Form::Build), tree.outputs(), tree.programs());
    tree.write(Form::Build, folder.path()).unwrap();
    tree.edit(edit, folder.path()).unwrap();
    let mut text = String::new();
    for (path, old) in &before.0 {
        let now = fs::read_to_string(folder.path().join(path)).unwrap();
        assert_eq!(now, tree.files(Form::Build)[path]);
        if now != *old {
            text += &format!("{path}\n{now}");
        }
    }
    let outputs = tree.outputs();
    let changed = outputs
        .iter()
        .filter(|(path, text)| before.1[*path] != **text)
        .count();
    text + &format!(
        "outputs: {changed}, programs: {}",
        tree.programs() != before.2
    )
}

#[test]
fn edits_change_one_file_and_what_depends_on_it() {
    expect![[r#"
        area0/part17/in89.txt
        # comment 0
        node 89 edit 1
        outputs: 1, programs: false"#]]
    .assert_eq(&edited(Flavour::Genrule, Edit::Top));
    expect![[r#"
        area0/part1/in9.txt
        # comment 0
        node 9 edit 1
        outputs: 65, programs: false"#]]
    .assert_eq(&edited(Flavour::Genrule, Edit::Base));
    expect![[r#"
        area0/part1/in9.txt
        # comment 1
        node 9 edit 0
        outputs: 0, programs: false"#]]
    .assert_eq(&edited(Flavour::Genrule, Edit::Comment));
    expect![[r#"
        area0/part29/unit29.cc
        #include "area0/part29/unit29.h"
        #include "area0/part24/unit24.h"
        #include "area0/part26/unit26.h"
        unsigned unit29() { return 2059u + 2u * unit24() + 2u * unit26(); }
        outputs: 0, programs: true"#]]
    .assert_eq(&edited(Flavour::Cc, Edit::Top));
    expect![[r#"
        area0/part1/unit1.cc
        #include "area0/part1/unit1.h"
        unsigned unit1() { return 2003u; }
        outputs: 0, programs: true"#]]
    .assert_eq(&edited(Flavour::Cc, Edit::Base));
    expect![[r#"
        area0/part1/unit1.h
        // comment 1
        unsigned unit1();
        outputs: 0, programs: false"#]]
    .assert_eq(&edited(Flavour::Cc, Edit::Comment));
}

#[test]
fn what_is_written() {
    let show = |flavour, form| {
        let tree = Tree::new(flavour, 9, 1);
        let files = tree.files(form).into_iter();
        files
            .map(|(path, text)| format!("//- {path}\n{text}"))
            .collect::<String>()
    };
    let genrule = show(Flavour::Genrule, Form::Build);
    expect![[r#"
        /BUILD
        package(default_visibility = ["//visibility:public"])

        genrule(
            name = "copy5",
            srcs = ["in5.txt", "//area0/part0:copy2", "//area0/part0:copy3"],
            outs = ["out5.txt"],
            cmd = "grep -hv '^#' $(SRCS) > $@",
        )

        genrule(
            name = "copy6",
            srcs = ["in6.txt", "//area0/part0:copy4", "//area0/part1:copy5"],
            outs = ["out6.txt"],
            cmd = "grep -hv '^#' $(SRCS) > $@",
        )

        genrule(
            name = "copy7",
            srcs = ["in7.txt", "//area0/part0:copy4", "//area0/part1:copy5"],
            outs = ["out7.txt"],
            cmd = "grep -hv '^#' $(SRCS) > $@",
        )

        genrule(
            name = "copy8",
            srcs = ["in8.txt", "//area0/part1:copy6", "//area0/part1:copy7"],
            outs = ["out8.txt"],
            cmd = "grep -hv '^#' $(SRCS) > $@",
        )
        //- area0/part1/in5.txt
        # comment 0
        node 5 edit 0
        //- area0/part1/in6.txt
        # comment 0
        node 6 edit 0
        //- area0/part1/in7.txt
        # comment 0
        node 7 edit 0
        //- area0/part1/in8.txt
        # comment 0
        node 8 edit 0
    "#]]
    .assert_eq(genrule.split_once("//- area0/part1").unwrap().1);
    expect![[r#"
        //- WORKSPACE
        workspace(name = "bench")
        //- area0/part0/BUILD
        package(default_visibility = ["//visibility:public"])

        cc_library(
            name = "unit0",
            srcs = ["unit0.cc"],
            hdrs = ["unit0.h"],
            linkstatic = True,
            deps = [],
        )

        cc_binary(
            name = "main0",
            srcs = ["main0.cc"],
            deps = [":unit0"],
        )

        cc_test(
            name = "test0",
            srcs = ["test0.cc"],
            deps = [":unit0"],
        )
        //- area0/part0/main0.cc
        #include "area0/part0/unit0.h"
        extern "C" int printf(const char *, ...);
        int main() { printf("%u\n", unit0()); }
        //- area0/part0/test0.cc
        #include "area0/part0/unit0.h"
        int main() { return unit0() % 2 == 1 ? 0 : 1; }
        //- area0/part0/unit0.cc
        #include "area0/part0/unit0.h"
        unsigned unit0() { return 1u; }
        //- area0/part0/unit0.h
        // comment 0
        unsigned unit0();
        //- area0/part1/BUILD
        package(default_visibility = ["//visibility:public"])

        cc_library(
            name = "unit1",
            srcs = ["unit1.cc"],
            hdrs = ["unit1.h"],
            linkstatic = True,
            deps = ["//area0/part0:unit0"],
        )

        cc_binary(
            name = "main1",
            srcs = ["main1.cc"],
            deps = [":unit1"],
        )

        cc_test(
            name = "test1",
            srcs = ["test1.cc"],
            deps = [":unit1"],
        )
        //- area0/part1/main1.cc
        #include "area0/part1/unit1.h"
        extern "C" int printf(const char *, ...);
        int main() { printf("%u\n", unit1()); }
        //- area0/part1/test1.cc
        #include "area0/part1/unit1.h"
        int main() { return unit1() % 2 == 1 ? 0 : 1; }
        //- area0/part1/unit1.cc
        #include "area0/part1/unit1.h"
        #include "area0/part0/unit0.h"
        unsigned unit1() { return 3u + 2u * unit0(); }
        //- area0/part1/unit1.h
        // comment 0
        unsigned unit1();
        //- area0/part2/BUILD
        package(default_visibility = ["//visibility:public"])

        cc_library(
            name = "unit2",
            srcs = ["unit2.cc"],
            hdrs = ["unit2.h"],
            linkstatic = True,
            deps = ["//area0/part1:unit1"],
        )

        cc_binary(
            name = "main2",
            srcs = ["main2.cc"],
            deps = [":unit2"],
        )

        cc_test(
            name = "test2",
            srcs = ["test2.cc"],
            deps = [":unit2"],
        )
        //- area0/part2/main2.cc
        #include "area0/part2/unit2.h"
        extern "C" int printf(const char *, ...);
        int main() { printf("%u\n", unit2()); }
        //- area0/part2/test2.cc
        #include "area0/part2/unit2.h"
        int main() { return unit2() % 2 == 1 ? 0 : 1; }
        //- area0/part2/unit2.cc
        #include "area0/part2/unit2.h"
        #include "area0/part1/unit1.h"
        unsigned unit2() { return 5u + 2u * unit1(); }
        //- area0/part2/unit2.h
        // comment 0
        unsigned unit2();
    "#]]
    .assert_eq(&show(Flavour::Cc, Form::Build));
    let cc = show(Flavour::Cc, Form::Ninja);
    expect![[r#"

        ninja_required_version = 1.5

        rule copy
          command = grep -hv '^#' $in > $out

        rule compile
          command = g++ -U_FORTIFY_SOURCE -fstack-protector -Wall -fno-omit-frame-pointer -fPIC -std=c++17 -iquote . -MD -MF $out.d -c $in -o $out
          depfile = $out.d
          deps = gcc

        rule archive
          command = rm -f $out && ar rcsD $out $in

        rule link
          command = g++ $in -Wl,-z,relro,-z,now -Wl,-S -o $out

        build out/area0/part0/unit0.o: compile area0/part0/unit0.cc
        build out/area0/part0/unit0.a: archive out/area0/part0/unit0.o
        build out/area0/part0/main0.o: compile area0/part0/main0.cc
        build out/area0/part0/main0: link out/area0/part0/main0.o out/area0/part0/unit0.a
        build out/area0/part0/test0.o: compile area0/part0/test0.cc
        build out/area0/part0/test0: link out/area0/part0/test0.o out/area0/part0/unit0.a
        build out/area0/part1/unit1.o: compile area0/part1/unit1.cc
        build out/area0/part1/unit1.a: archive out/area0/part1/unit1.o
        build out/area0/part1/main1.o: compile area0/part1/main1.cc
        build out/area0/part1/main1: link out/area0/part1/main1.o out/area0/part1/unit1.a out/area0/part0/unit0.a
        build out/area0/part1/test1.o: compile area0/part1/test1.cc
        build out/area0/part1/test1: link out/area0/part1/test1.o out/area0/part1/unit1.a out/area0/part0/unit0.a
        build out/area0/part2/unit2.o: compile area0/part2/unit2.cc
        build out/area0/part2/unit2.a: archive out/area0/part2/unit2.o
        build out/area0/part2/main2.o: compile area0/part2/main2.cc
        build out/area0/part2/main2: link out/area0/part2/main2.o out/area0/part2/unit2.a out/area0/part1/unit1.a out/area0/part0/unit0.a
        build out/area0/part2/test2.o: compile area0/part2/test2.cc
        build out/area0/part2/test2: link out/area0/part2/test2.o out/area0/part2/unit2.a out/area0/part1/unit1.a out/area0/part0/unit0.a
    "#]].assert_eq(cc.split_once("//- build.ninja").unwrap().1);
    let list = show(Flavour::List, Form::Ninja);
    expect![[r#"

          command = g++ $in -Wl,-z,relro,-z,now -Wl,-S -o $out

        build area0/part0/list0: phony area0/part0/in0.txt
        build area0/part0/list1: phony area0/part0/in1.txt
        build area0/part0/list2: phony area0/part0/in2.txt area0/part0/list0 area0/part0/list1
        build area0/part0/list3: phony area0/part0/in3.txt area0/part0/list0 area0/part0/list1
        build area0/part0/list4: phony area0/part0/in4.txt area0/part0/list2 area0/part0/list3
        build area0/part1/list5: phony area0/part1/in5.txt area0/part0/list2 area0/part0/list3
        build area0/part1/list6: phony area0/part1/in6.txt area0/part0/list4 area0/part1/list5
        build area0/part1/list7: phony area0/part1/in7.txt area0/part0/list4 area0/part1/list5
        build area0/part1/list8: phony area0/part1/in8.txt area0/part1/list6 area0/part1/list7
    "#]]
    .assert_eq(list.split_once("rule link").unwrap().1);
}
