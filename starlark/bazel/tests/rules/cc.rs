//! `cc_library`: sources, archives, runfiles.

use expect_test::expect;

use crate::world::{check, shorten, world};

#[test]
fn a_library_in_full() {
    let files = "=== a.cc b.c c.h a.h\n=== BUILD\n\
        cc_library(name = 'x', srcs = ['a.cc', 'b.c', 'c.h'], hdrs = ['a.h'])";
    let target = world(files).analyze("//:x").expect("it is fine");
    let text = crate::harness::describe(&target);
    // What other tests leave out.
    assert_ne!(shorten(&text), text);
    expect![[r#"
        files: kiln-out/fastbuild/bin/libx.a
        group archive: kiln-out/fastbuild/bin/libx.a
        provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [<source file a.h>, <source file c.h>], direct_private_headers = [<source file c.h>], direct_public_headers = [<source file a.h>], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([<source file a.h>, <source file c.h>]), includes = depset([]), lists = struct(defines = [], frameworks = [], includes = [], local_defines = [], quotes = [".", "kiln-out/fastbuild/bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "kiln-out/fastbuild/bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([<generated file libx.a>], order = "topological"), linker_inputs = depset([struct(additional_inputs = (), libraries = (struct(alwayslink = False, dynamic_library = None, interface_library = None, objects = (<generated file _objs/x/a.o>, <generated file _objs/x/b.o>), pic_objects = (<generated file _objs/x/a.o>, <generated file _objs/x/b.o>), pic_static_library = <generated file libx.a>, resolved_symlink_dynamic_library = None, resolved_symlink_interface_library = None, static_library = <generated file libx.a>),), linkstamps = (), owner = @@//:x, user_link_flags = ())], order = "topological"), own = [<generated file libx.a>], specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
        provider: OutputGroupInfo(archive = depset([<generated file libx.a>]))
        CppCompile -> kiln-out/fastbuild/bin/_objs/x/a.o kiln-out/fastbuild/bin/_objs/x/a.d
          progress: Compiling a.cc
          argv: /usr/bin/g++
          argv: -U_FORTIFY_SOURCE -fstack-protector -Wall -Wunused-but-set-parameter -Wno-free-nonheap-object -fno-omit-frame-pointer -fPIC -std=c++17 -iquote . -iquote kiln-out/fastbuild/bin -no-canonical-prefixes -fno-canonical-system-headers -Wno-builtin-macro-redefined -D__DATE__="redacted" -D__TIMESTAMP__="redacted" -D__TIME__="redacted"
          argv: -MD -MF <kiln-out/fastbuild/bin/_objs/x/a.d> <kiln-out/fastbuild/bin/_objs/x/a.o as -frandom-seed=%s> -c <a.cc> -o <kiln-out/fastbuild/bin/_objs/x/a.o>
          inputs: a.h c.h a.cc
          env: PWD=/proc/self/cwd
          env: default
          dependency file: kiln-out/fastbuild/bin/_objs/x/a.d
        CppCompile -> kiln-out/fastbuild/bin/_objs/x/b.o kiln-out/fastbuild/bin/_objs/x/b.d
          progress: Compiling b.c
          argv: /usr/bin/gcc
          argv: -U_FORTIFY_SOURCE -fstack-protector -Wall -Wunused-but-set-parameter -Wno-free-nonheap-object -fno-omit-frame-pointer -fPIC -iquote . -iquote kiln-out/fastbuild/bin -no-canonical-prefixes -fno-canonical-system-headers -Wno-builtin-macro-redefined -D__DATE__="redacted" -D__TIMESTAMP__="redacted" -D__TIME__="redacted"
          argv: -MD -MF <kiln-out/fastbuild/bin/_objs/x/b.d> <kiln-out/fastbuild/bin/_objs/x/b.o as -frandom-seed=%s> -c <b.c> -o <kiln-out/fastbuild/bin/_objs/x/b.o>
          inputs: a.h c.h b.c
          env: PWD=/proc/self/cwd
          env: default
          dependency file: kiln-out/fastbuild/bin/_objs/x/b.d
        CppArchive -> kiln-out/fastbuild/bin/libx.a
          progress: Archiving kiln-out/fastbuild/bin/libx.a
          argv: /usr/bin/ar
          argv: rcsD <kiln-out/fastbuild/bin/libx.a> <kiln-out/fastbuild/bin/_objs/x/a.o> <kiln-out/fastbuild/bin/_objs/x/b.o> (param file @%s Shell always=false)
          inputs: kiln-out/fastbuild/bin/_objs/x/a.o kiln-out/fastbuild/bin/_objs/x/b.o
          env: default
    "#]].assert_eq(&text);
}

#[test]
fn a_library_of_headers_only() {
    check(
        "a.h b.inc",
        "cc_library(name = 'x', hdrs = ['a.h'], textual_hdrs = ['b.inc'])",
        expect![[""]],
    );
}

#[test]
fn an_empty_library() {
    check("", "cc_library(name = 'x')", expect![[""]]);
}

#[test]
fn sources_of_one_name_and_of_all_kinds() {
    check(
        "s/a.cc t/a.c a.cpp b.S c.s d.C e.cxx f.c++ g.hh h.inl i.o j.a k.lo l.so m.so.1.2 n.def",
        "cc_library(name = 'x', srcs = glob(['**/*'], exclude = ['BUILD']))",
        expect![[r#"
            files: bin/libx.a j.a k.lo l.so m.so.1.2
            runfiles: _main/l.so _main/m.so.1.2
            group archive: bin/libx.a
            CppCompile -> bin/_objs/x/0/a.o bin/_objs/x/0/a.d
              progress: Compiling a.cpp
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/0/a.d> <bin/_objs/x/0/a.o as -frandom-seed=%s> -c <a.cpp> -o <bin/_objs/x/0/a.o>
              inputs: g.hh h.inl a.cpp
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/0/a.d
            CppCompile -> bin/_objs/x/b.o bin/_objs/x/b.d
              progress: Compiling b.S
              argv: /usr/bin/gcc
              argv: (first) -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/b.d> <bin/_objs/x/b.o as -frandom-seed=%s> -c <b.S> -o <bin/_objs/x/b.o>
              inputs: g.hh h.inl b.S
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/b.d
            CppCompile -> bin/_objs/x/c.o
              progress: Compiling c.s
              argv: /usr/bin/gcc
              argv: (first) -iquote . -iquote bin (last)
              argv: <bin/_objs/x/c.o as -frandom-seed=%s> -c <c.s> -o <bin/_objs/x/c.o>
              inputs: g.hh h.inl c.s
              env: PWD=/proc/self/cwd
              env: default
            CppCompile -> bin/_objs/x/d.o bin/_objs/x/d.d
              progress: Compiling d.C
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/d.d> <bin/_objs/x/d.o as -frandom-seed=%s> -c <d.C> -o <bin/_objs/x/d.o>
              inputs: g.hh h.inl d.C
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/d.d
            CppCompile -> bin/_objs/x/e.o bin/_objs/x/e.d
              progress: Compiling e.cxx
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/e.d> <bin/_objs/x/e.o as -frandom-seed=%s> -c <e.cxx> -o <bin/_objs/x/e.o>
              inputs: g.hh h.inl e.cxx
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/e.d
            CppCompile -> bin/_objs/x/f.o bin/_objs/x/f.d
              progress: Compiling f.c++
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/f.d> <bin/_objs/x/f.o as -frandom-seed=%s> -c <f.c++> -o <bin/_objs/x/f.o>
              inputs: g.hh h.inl f.c++
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/f.d
            CppCompile -> bin/_objs/x/1/a.o bin/_objs/x/1/a.d
              progress: Compiling s/a.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/1/a.d> <bin/_objs/x/1/a.o as -frandom-seed=%s> -c <s/a.cc> -o <bin/_objs/x/1/a.o>
              inputs: g.hh h.inl s/a.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/1/a.d
            CppCompile -> bin/_objs/x/2/a.o bin/_objs/x/2/a.d
              progress: Compiling t/a.c
              argv: /usr/bin/gcc
              argv: (first) -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/2/a.d> <bin/_objs/x/2/a.o as -frandom-seed=%s> -c <t/a.c> -o <bin/_objs/x/2/a.o>
              inputs: g.hh h.inl t/a.c
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/2/a.d
            CppArchive -> bin/libx.a
              progress: Archiving bin/libx.a
              argv: /usr/bin/ar
              argv: rcsD <bin/libx.a> <bin/_objs/x/0/a.o> <bin/_objs/x/b.o> <bin/_objs/x/c.o> <bin/_objs/x/d.o> <bin/_objs/x/e.o> <bin/_objs/x/f.o> <bin/_objs/x/1/a.o> <bin/_objs/x/2/a.o> <i.o> (param file @%s Shell always=false)
              inputs: bin/_objs/x/0/a.o bin/_objs/x/b.o bin/_objs/x/c.o bin/_objs/x/d.o bin/_objs/x/e.o bin/_objs/x/f.o bin/_objs/x/1/a.o bin/_objs/x/2/a.o i.o
              env: default
        "#]],
    );
}

#[test]
fn always_linked() {
    check(
        "a.cc",
        "cc_library(name = 'x', srcs = ['a.cc'], alwayslink = True)",
        expect![[r#"
            files: bin/libx.lo
            group archive: bin/libx.lo
            CppCompile -> bin/_objs/x/a.o bin/_objs/x/a.d
              progress: Compiling a.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/a.d> <bin/_objs/x/a.o as -frandom-seed=%s> -c <a.cc> -o <bin/_objs/x/a.o>
              inputs: a.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/a.d
            CppArchive -> bin/libx.lo
              progress: Archiving bin/libx.lo
              argv: /usr/bin/ar
              argv: rcsD <bin/libx.lo> <bin/_objs/x/a.o> (param file @%s Shell always=false)
              inputs: bin/_objs/x/a.o
              env: default
        "#]],
    );
}

#[test]
fn made_sources_and_headers() {
    check(
        "",
        r#"
genrule(name = "gen", outs = ["g.cc", "g.h", "notes.txt"], cmd = "touch $(OUTS)")
cc_library(name = "x", srcs = [":gen"], hdrs = ["g.h"])
"#,
        expect![[r#"
            files: bin/libx.a
            group archive: bin/libx.a
            CppCompile -> bin/_objs/x/g.o bin/_objs/x/g.d
              progress: Compiling bin/g.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/g.d> <bin/_objs/x/g.o as -frandom-seed=%s> -c <bin/g.cc> -o <bin/_objs/x/g.o>
              inputs: bin/g.h bin/g.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/g.d
            CppArchive -> bin/libx.a
              progress: Archiving bin/libx.a
              argv: /usr/bin/ar
              argv: rcsD <bin/libx.a> <bin/_objs/x/g.o> (param file @%s Shell always=false)
              inputs: bin/_objs/x/g.o
              env: default
        "#]],
    );
}

#[test]
fn wrong_sources() {
    check(
        "a.txt",
        r#"cc_library(name = "x", srcs = ["a.txt"])"#,
        expect![[r#"
            error: `srcs` of //:x has `a.txt`, which is no C or C++ source, header, object or library
              --> BUILD:1:1
               |
             1 | cc_library(name = "x", srcs = ["a.txt"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (cc_library, declared at BUILD:1:1)
            hint: headers of any name go to `hdrs` or `textual_hdrs`, other files to `data`
        "#]],
    );
    check(
        "a.py",
        r#"
py_library(name = "p", srcs = ["a.py"])
cc_library(name = "x", deps = [":p"])
"#,
        expect![[r#"
            error: in the attribute `deps`, `//:p` (py_library) lacks `CcInfo`
              --> BUILD:3:1
               |
             3 | cc_library(name = "x", deps = [":p"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it has `DefaultInfo`, `PyInfo`
               = in `//:x` (cc_library, declared at BUILD:3:1)
            hint: move `//:p` to `data`
        "#]],
    );
    check(
        "a.cc",
        r#"cc_library(name = "x", srcs = ["a.cc"], module_interfaces = ["a.cc"])"#,
        expect![[r#"
            error: `module_interfaces` of //:x: C++20 modules are not supported
              --> BUILD:1:1
               |
             1 | cc_library(name = "x", srcs = ["a.cc"], module_interfaces = ["a.cc"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (cc_library, declared at BUILD:1:1)
            hint: use headers
        "#]],
    );
}

#[test]
fn runfiles_of_data_and_dependencies() {
    check(
        "d.txt e.txt",
        r#"
cc_library(name = "a", data = ["d.txt"])
filegroup(name = "f", srcs = ["e.txt"])
cc_library(name = "x", data = [":f"], deps = [":a"])
"#,
        expect![[r#"
            runfiles: _main/d.txt _main/e.txt
        "#]],
    );
}
