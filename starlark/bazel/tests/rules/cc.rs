//! `cc_library`: compiling, headers, archives, and what dependents see.

use expect_test::expect;
use kiln_targets::{CompilationMode, Configuration, Settings};

use crate::world::{check, check_files, check_in, shorten, world};

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
        provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [<source file a.h>, <source file c.h>], direct_private_headers = [<source file c.h>], direct_public_headers = [<source file a.h>], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([<source file a.h>, <source file c.h>]), includes = depset([]), lists = struct(defines = [], frameworks = [], includes = [], local_defines = [], quotes = [".", "kiln-out/fastbuild/bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "kiln-out/fastbuild/bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([<generated file libx.a>], order = "topological"), linker_inputs = depset([struct(additional_inputs = (), libraries = (struct(alwayslink = False, dynamic_library = None, interface_library = None, objects = (<generated file _objs/x/a.o>, <generated file _objs/x/b.o>), pic_objects = (<generated file _objs/x/a.o>, <generated file _objs/x/b.o>), pic_static_library = <generated file libx.a>, resolved_symlink_dynamic_library = None, resolved_symlink_interface_library = None, static_library = <generated file libx.a>),), linkstamps = (), owner = @@//:x, user_link_flags = ())], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
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
    check("a.h b.inc", "cc_library(name = 'x', hdrs = ['a.h'], textual_hdrs = ['b.inc'])", expect![[r#"
        provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [<source file a.h>, <source file b.inc>], direct_private_headers = [], direct_public_headers = [<source file a.h>], direct_textual_headers = [<source file b.inc>], external_includes = depset([]), framework_includes = depset([]), headers = depset([<source file a.h>, <source file b.inc>]), includes = depset([]), lists = struct(defines = [], frameworks = [], includes = [], local_defines = [], quotes = [".", "bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([], order = "topological"), linker_inputs = depset([], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
        provider: OutputGroupInfo(archive = depset([]))
    "#]]);
}

#[test]
fn an_empty_library() {
    check("", "cc_library(name = 'x')", expect![[r#"
        provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [], direct_private_headers = [], direct_public_headers = [], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([]), includes = depset([]), lists = struct(defines = [], frameworks = [], includes = [], local_defines = [], quotes = [".", "bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([], order = "topological"), linker_inputs = depset([], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
        provider: OutputGroupInfo(archive = depset([]))
    "#]]);
}

#[test]
fn sources_of_one_name_and_of_all_kinds() {
    check(
        "s/a.cc t/a.c a.cpp b.S c.s d.C e.cxx f.c++ g.hh h.inl i.o j.a k.lo l.so m.so.1.2 n.def",
        "cc_library(name = 'x', srcs = glob(['**/*'], exclude = ['BUILD']))",
        expect![[r#"
            error: in the attribute `srcs`, `//:m.so.1.2` is a file of another kind; `.C`, `.H`, `.S`, `.a`, `.asm`, `.c`, `.c++`, `.cc`, `.cpp`, `.cxx`, `.def`, `.dll`, `.dylib`, `.h`, `.h++`, `.hh`, `.hpp`, `.hxx`, `.inc`, `.inl`, `.ipp`, `.lo`, `.o`, `.obj`, `.s`, `.so`, `.tcc`, `.tlh` or `.tli` files are expected there
              --> BUILD:1:1
               |
             1 | cc_library(name = 'x', srcs = glob(['**/*'], exclude = ['BUILD']))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (cc_library, declared at BUILD:1:1)
        "#]],
    );
}

#[test]
fn always_linked() {
    check("a.cc", "cc_library(name = 'x', srcs = ['a.cc'], alwayslink = True)", expect![[r#"
        files: bin/libx.lo
        group archive: bin/libx.lo
        provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [], direct_private_headers = [], direct_public_headers = [], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([]), includes = depset([]), lists = struct(defines = [], frameworks = [], includes = [], local_defines = [], quotes = [".", "bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([], order = "topological"), linker_inputs = depset([struct(additional_inputs = (), libraries = (struct(alwayslink = True, dynamic_library = None, interface_library = None, objects = (<generated file _objs/x/a.o>,), pic_objects = (<generated file _objs/x/a.o>,), pic_static_library = <generated file libx.lo>, resolved_symlink_dynamic_library = None, resolved_symlink_interface_library = None, static_library = <generated file libx.lo>),), linkstamps = (), owner = @@//:x, user_link_flags = ())], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([<generated file libx.lo>], order = "topological")))
        provider: OutputGroupInfo(archive = depset([<generated file libx.lo>]))
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
    "#]]);
}

#[test]
fn copts_are_shell_words_with_variables_and_locations() {
    check(
        "a.cc f.txt",
        r#"cc_library(
            name = "x",
            srcs = ["a.cc"],
            copts = ["-DA=\\\"1.2\\\" -Wx", "-DB='a b'", "-DM=$(COMPILATION_MODE)", "-include $(location f.txt)"],
            cxxopts = ["-DCXX"],
            conlyopts = ["-DC"],
            additional_compiler_inputs = ["f.txt"],
        )"#,
        expect![[r#"
            files: bin/libx.a
            group archive: bin/libx.a
            provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [], direct_private_headers = [], direct_public_headers = [], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([]), includes = depset([]), lists = struct(defines = [], frameworks = [], includes = [], local_defines = [], quotes = [".", "bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([<generated file libx.a>], order = "topological"), linker_inputs = depset([struct(additional_inputs = (), libraries = (struct(alwayslink = False, dynamic_library = None, interface_library = None, objects = (<generated file _objs/x/a.o>,), pic_objects = (<generated file _objs/x/a.o>,), pic_static_library = <generated file libx.a>, resolved_symlink_dynamic_library = None, resolved_symlink_interface_library = None, static_library = <generated file libx.a>),), linkstamps = (), owner = @@//:x, user_link_flags = ())], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
            provider: OutputGroupInfo(archive = depset([<generated file libx.a>]))
            CppCompile -> bin/_objs/x/a.o bin/_objs/x/a.d
              progress: Compiling a.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin -DA="1.2" -Wx -DB=a b -DM=fastbuild -include f.txt -DCXX (last)
              argv: -MD -MF <bin/_objs/x/a.d> <bin/_objs/x/a.o as -frandom-seed=%s> -c <a.cc> -o <bin/_objs/x/a.o>
              inputs: f.txt a.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/a.d
            CppArchive -> bin/libx.a
              progress: Archiving bin/libx.a
              argv: /usr/bin/ar
              argv: rcsD <bin/libx.a> <bin/_objs/x/a.o> (param file @%s Shell always=false)
              inputs: bin/_objs/x/a.o
              env: default
        "#]],
    );
    check(
        "a.cc",
        r#"cc_library(name = "x", srcs = ["a.cc"], copts = ["-DA='a b' c"], features = ["no_copts_tokenization"])"#,
        expect![[r#"
            files: bin/libx.a
            group archive: bin/libx.a
            provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [], direct_private_headers = [], direct_public_headers = [], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([]), includes = depset([]), lists = struct(defines = [], frameworks = [], includes = [], local_defines = [], quotes = [".", "bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([<generated file libx.a>], order = "topological"), linker_inputs = depset([struct(additional_inputs = (), libraries = (struct(alwayslink = False, dynamic_library = None, interface_library = None, objects = (<generated file _objs/x/a.o>,), pic_objects = (<generated file _objs/x/a.o>,), pic_static_library = <generated file libx.a>, resolved_symlink_dynamic_library = None, resolved_symlink_interface_library = None, static_library = <generated file libx.a>),), linkstamps = (), owner = @@//:x, user_link_flags = ())], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
            provider: OutputGroupInfo(archive = depset([<generated file libx.a>]))
            CppCompile -> bin/_objs/x/a.o bin/_objs/x/a.d
              progress: Compiling a.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin -DA='a b' c (last)
              argv: -MD -MF <bin/_objs/x/a.d> <bin/_objs/x/a.o as -frandom-seed=%s> -c <a.cc> -o <bin/_objs/x/a.o>
              inputs: a.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/a.d
            CppArchive -> bin/libx.a
              progress: Archiving bin/libx.a
              argv: /usr/bin/ar
              argv: rcsD <bin/libx.a> <bin/_objs/x/a.o> (param file @%s Shell always=false)
              inputs: bin/_objs/x/a.o
              env: default
        "#]],
    );
    check("a.cc", r#"cc_library(name = "x", srcs = ["a.cc"], copts = ["'unclosed"])"#, expect![[r#"
        error: unclosed ' in `'unclosed`
          --> external/kiln_builtins/common/expand.bzl:26:18
            |
         26 |         words += ctx.tokenize(expand(ctx, attribute, text, targets, variables))
            |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `expand_words` was called from external/kiln_builtins/cc/target.bzl:27:12
           = `_words` was called from external/kiln_builtins/cc/target.bzl:93:17
           = `compile_target` was called from external/kiln_builtins/cc/cc_library.bzl:15:14
           = in `//:x` (cc_library, declared at BUILD:1:1)
    "#]]);
    check("a.cc", r#"cc_library(name = "x", srcs = ["a.cc"], copts = ["$(NOPE)"])"#, expect![[r#"
        error: unknown make variable `NOPE` (write `$$` for a plain `$`) in `$(NOPE)`
          --> external/kiln_builtins/common/expand.bzl:20:12
            |
         20 |     return ctx.expand_make_variables(attribute, text, variables)
            |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in the attribute `copts`
           = `expand` was called from external/kiln_builtins/common/expand.bzl:26:31
           = `expand_words` was called from external/kiln_builtins/cc/target.bzl:27:12
           = `_words` was called from external/kiln_builtins/cc/target.bzl:93:17
           = `compile_target` was called from external/kiln_builtins/cc/cc_library.bzl:15:14
           = in `//:x` (cc_library, declared at BUILD:1:1)
    "#]]);
}

#[test]
fn definitions_and_folders_reach_dependents() {
    check_files(
        r#"
=== BUILD
cc_library(name = "x", srcs = ["x.cc"], deps = [":a"], implementation_deps = [":b"], local_defines = ["LOCAL"])
cc_library(name = "a", hdrs = ["a.h"], defines = ["A=1"], includes = ["inc", "."], local_defines = ["NOT"], deps = [":c", "@dep//p:d"])
cc_library(name = "b", hdrs = ["b.h"], defines = ["B"], srcs = ["b.cc"])
cc_library(name = "c", hdrs = ["c.h"], defines = ["C", "A=1"])
=== x.cc a.h b.h b.cc c.h
=== @dep/p/BUILD
cc_library(name = "d", hdrs = ["d.h"], includes = ["../include"], srcs = ["d.cc"], visibility = ["//visibility:public"])
=== @dep/p/d.h @dep/p/d.cc
"#,
        "//:x",
        expect![[r#"
            files: bin/libx.a
            group archive: bin/libx.a
            provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset(["A=1", "C"]), direct_headers = [], direct_private_headers = [], direct_public_headers = [], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([<source file a.h>, <source file c.h>, <source file ../dep/p/d.h>]), includes = depset([]), lists = struct(defines = ["A=1", "C"], frameworks = [], includes = [], local_defines = ["LOCAL"], quotes = [".", "bin", "external/dep", "bin/external/dep"], systems = ["inc", "bin/inc", ".", "bin", "external/dep/include", "bin/external/dep/include"]), local_defines = depset(["LOCAL"]), quote_includes = depset([".", "bin", "external/dep", "bin/external/dep"]), system_includes = depset(["inc", "bin/inc", ".", "bin", "external/dep/include", "bin/external/dep/include"]), validation_artifacts = depset([])), linking_context = struct(archives = depset([<generated file libx.a>, <generated file ../dep/p/libd.a>, <generated file libb.a>], order = "topological"), linker_inputs = depset([depset([depset([struct(additional_inputs = (), libraries = (struct(alwayslink = False, dynamic_library = None, interface_library = None, objects = (<generated file ../dep/p/_objs/d/d.o>,), pic_objects = (<generated file ../dep/p/_objs/d/d.o>,), pic_static_library = <generated file ../dep/p/libd.a>, resolved_symlink_dynamic_library = None, resolved_symlink_interface_library = None, static_library = <generated file ../dep/p/libd.a>),), linkstamps = (), owner = @@dep//p:d, user_link_flags = ())], order = "topological")], order = "topological"), depset([struct(additional_inputs = (), libraries = (struct(alwayslink = False, dynamic_library = None, interface_library = None, objects = (<generated file _objs/b/b.o>,), pic_objects = (<generated file _objs/b/b.o>,), pic_static_library = <generated file libb.a>, resolved_symlink_dynamic_library = None, resolved_symlink_interface_library = None, static_library = <generated file libb.a>),), linkstamps = (), owner = @@//:b, user_link_flags = ())], order = "topological"), struct(additional_inputs = (), libraries = (struct(alwayslink = False, dynamic_library = None, interface_library = None, objects = (<generated file _objs/x/x.o>,), pic_objects = (<generated file _objs/x/x.o>,), pic_static_library = <generated file libx.a>, resolved_symlink_dynamic_library = None, resolved_symlink_interface_library = None, static_library = <generated file libx.a>),), linkstamps = (), owner = @@//:x, user_link_flags = ())], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
            provider: OutputGroupInfo(archive = depset([<generated file libx.a>]))
            CppCompile -> bin/_objs/x/x.o bin/_objs/x/x.d
              progress: Compiling x.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -DA=1 -DC -DB -DLOCAL -iquote . -iquote bin -iquote external/dep -iquote bin/external/dep -isystem inc -isystem bin/inc -isystem . -isystem bin -isystem external/dep/include -isystem bin/external/dep/include (last)
              argv: -MD -MF <bin/_objs/x/x.d> <bin/_objs/x/x.o as -frandom-seed=%s> -c <x.cc> -o <bin/_objs/x/x.o>
              inputs: a.h c.h external/dep/p/d.h b.h x.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/x.d
            CppArchive -> bin/libx.a
              progress: Archiving bin/libx.a
              argv: /usr/bin/ar
              argv: rcsD <bin/libx.a> <bin/_objs/x/x.o> (param file @%s Shell always=false)
              inputs: bin/_objs/x/x.o
              env: default
        "#]],
    );
}

#[test]
fn definitions_are_one_word_each() {
    check("", r#"cc_library(name = "x", defines = ["A B"])"#, expect![[r#"
        error: `defines` of Label("@@//:x") must hold one shell word an item; `A B` is 2
          --> external/kiln_builtins/cc/target.bzl:34:13
            |
         34 |             fail("`%s` of %s must hold one shell word an item; `%s` is %d" % (
            |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `_defines` was called from external/kiln_builtins/cc/target.bzl:72:19
           = `_own_context` was called from external/kiln_builtins/cc/target.bzl:88:11
           = `compile_target` was called from external/kiln_builtins/cc/cc_library.bzl:15:14
           = in `//:x` (cc_library, declared at BUILD:1:1)
    "#]]);
    check("", r#"cc_library(name = "x", local_defines = [""])"#, expect![[r#"
        error: `local_defines` of Label("@@//:x") must hold one shell word an item; `` is 0
          --> external/kiln_builtins/cc/target.bzl:34:13
            |
         34 |             fail("`%s` of %s must hold one shell word an item; `%s` is %d" % (
            |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `_defines` was called from external/kiln_builtins/cc/target.bzl:73:25
           = `_own_context` was called from external/kiln_builtins/cc/target.bzl:88:11
           = `compile_target` was called from external/kiln_builtins/cc/cc_library.bzl:15:14
           = in `//:x` (cc_library, declared at BUILD:1:1)
    "#]]);
}

#[test]
fn headers_under_other_paths() {
    check_files(
        r#"
=== p/BUILD
cc_library(name = "x", srcs = ["a.cc"], hdrs = ["src/a.h", "src/sub/b.h"], strip_include_prefix = "src", include_prefix = "lib")
cc_library(name = "absolute", hdrs = ["src/a.h"], strip_include_prefix = "/p/src")
cc_library(name = "prefixed", hdrs = ["src/a.h"], include_prefix = "lib/../mylib")
cc_library(name = "wrong", hdrs = ["src/a.h"], strip_include_prefix = "other")
cc_library(name = "user", srcs = ["a.cc"], deps = [":absolute", ":prefixed"])
=== p/a.cc p/src/a.h p/src/sub/b.h
"#,
        "//p:x",
        expect![[r#"
            files: bin/p/libx.a
            group archive: bin/p/libx.a
            provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [<source file p/src/a.h>, <source file p/src/sub/b.h>, <generated file p/_virtual_includes/x/lib/a.h>, <generated file p/_virtual_includes/x/lib/sub/b.h>], direct_private_headers = [], direct_public_headers = [<source file p/src/a.h>, <source file p/src/sub/b.h>, <generated file p/_virtual_includes/x/lib/a.h>, <generated file p/_virtual_includes/x/lib/sub/b.h>], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([<source file p/src/a.h>, <source file p/src/sub/b.h>, <generated file p/_virtual_includes/x/lib/a.h>, <generated file p/_virtual_includes/x/lib/sub/b.h>]), includes = depset(["bin/p/_virtual_includes/x"]), lists = struct(defines = [], frameworks = [], includes = ["bin/p/_virtual_includes/x"], local_defines = [], quotes = [".", "bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([<generated file p/libx.a>], order = "topological"), linker_inputs = depset([struct(additional_inputs = (), libraries = (struct(alwayslink = False, dynamic_library = None, interface_library = None, objects = (<generated file p/_objs/x/a.o>,), pic_objects = (<generated file p/_objs/x/a.o>,), pic_static_library = <generated file p/libx.a>, resolved_symlink_dynamic_library = None, resolved_symlink_interface_library = None, static_library = <generated file p/libx.a>),), linkstamps = (), owner = @@//p:x, user_link_flags = ())], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
            provider: OutputGroupInfo(archive = depset([<generated file p/libx.a>]))
            Symlink -> bin/p/_virtual_includes/x/lib/a.h
              link: p/src/a.h
            Symlink -> bin/p/_virtual_includes/x/lib/sub/b.h
              link: p/src/sub/b.h
            CppCompile -> bin/p/_objs/x/a.o bin/p/_objs/x/a.d
              progress: Compiling p/a.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin -Ibin/p/_virtual_includes/x (last)
              argv: -MD -MF <bin/p/_objs/x/a.d> <bin/p/_objs/x/a.o as -frandom-seed=%s> -c <p/a.cc> -o <bin/p/_objs/x/a.o>
              inputs: p/src/a.h p/src/sub/b.h bin/p/_virtual_includes/x/lib/a.h bin/p/_virtual_includes/x/lib/sub/b.h p/a.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/p/_objs/x/a.d
            CppArchive -> bin/p/libx.a
              progress: Archiving bin/p/libx.a
              argv: /usr/bin/ar
              argv: rcsD <bin/p/libx.a> <bin/p/_objs/x/a.o> (param file @%s Shell always=false)
              inputs: bin/p/_objs/x/a.o
              env: default
        "#]],
    );
    let files = "=== p/BUILD\n\
        cc_library(name = 'absolute', hdrs = ['src/a.h'], strip_include_prefix = '/p/src')\n\
        cc_library(name = 'prefixed', hdrs = ['src/a.h'], include_prefix = 'lib/../mylib')\n\
        cc_library(name = 'wrong', hdrs = ['src/a.h'], strip_include_prefix = 'other')\n\
        cc_library(name = 'rooted', hdrs = ['src/a.h'], include_prefix = '/x')\n\
        cc_library(name = 'user', srcs = ['a.cc'], deps = [':absolute', ':prefixed'])\n\
        === p/a.cc p/src/a.h";
    check_files(files, "//p:user", expect![[r#"
        files: bin/p/libuser.a
        group archive: bin/p/libuser.a
        provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [], direct_private_headers = [], direct_public_headers = [], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([<source file p/src/a.h>, <generated file p/_virtual_includes/absolute/a.h>, <generated file p/_virtual_includes/prefixed/mylib/p/src/a.h>]), includes = depset(["bin/p/_virtual_includes/absolute", "bin/p/_virtual_includes/prefixed"]), lists = struct(defines = [], frameworks = [], includes = ["bin/p/_virtual_includes/absolute", "bin/p/_virtual_includes/prefixed"], local_defines = [], quotes = [".", "bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([<generated file p/libuser.a>], order = "topological"), linker_inputs = depset([struct(additional_inputs = (), libraries = (struct(alwayslink = False, dynamic_library = None, interface_library = None, objects = (<generated file p/_objs/user/a.o>,), pic_objects = (<generated file p/_objs/user/a.o>,), pic_static_library = <generated file p/libuser.a>, resolved_symlink_dynamic_library = None, resolved_symlink_interface_library = None, static_library = <generated file p/libuser.a>),), linkstamps = (), owner = @@//p:user, user_link_flags = ())], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
        provider: OutputGroupInfo(archive = depset([<generated file p/libuser.a>]))
        CppCompile -> bin/p/_objs/user/a.o bin/p/_objs/user/a.d
          progress: Compiling p/a.cc
          argv: /usr/bin/g++
          argv: (first) -std=c++17 -iquote . -iquote bin -Ibin/p/_virtual_includes/absolute -Ibin/p/_virtual_includes/prefixed (last)
          argv: -MD -MF <bin/p/_objs/user/a.d> <bin/p/_objs/user/a.o as -frandom-seed=%s> -c <p/a.cc> -o <bin/p/_objs/user/a.o>
          inputs: p/src/a.h bin/p/_virtual_includes/absolute/a.h bin/p/_virtual_includes/prefixed/mylib/p/src/a.h p/a.cc
          env: PWD=/proc/self/cwd
          env: default
          dependency file: bin/p/_objs/user/a.d
        CppArchive -> bin/p/libuser.a
          progress: Archiving bin/p/libuser.a
          argv: /usr/bin/ar
          argv: rcsD <bin/p/libuser.a> <bin/p/_objs/user/a.o> (param file @%s Shell always=false)
          inputs: bin/p/_objs/user/a.o
          env: default
    "#]]);
    check_files(files, "//p:prefixed", expect![[r#"
        provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [<source file p/src/a.h>, <generated file p/_virtual_includes/prefixed/mylib/p/src/a.h>], direct_private_headers = [], direct_public_headers = [<source file p/src/a.h>, <generated file p/_virtual_includes/prefixed/mylib/p/src/a.h>], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([<source file p/src/a.h>, <generated file p/_virtual_includes/prefixed/mylib/p/src/a.h>]), includes = depset(["bin/p/_virtual_includes/prefixed"]), lists = struct(defines = [], frameworks = [], includes = ["bin/p/_virtual_includes/prefixed"], local_defines = [], quotes = [".", "bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([], order = "topological"), linker_inputs = depset([], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
        provider: OutputGroupInfo(archive = depset([]))
        Symlink -> bin/p/_virtual_includes/prefixed/mylib/p/src/a.h
          link: p/src/a.h
    "#]]);
    check_files(files, "//p:wrong", expect![[r#"
        error: header `p/src/a.h` of Label("@@//p:wrong") is not below `strip_include_prefix`, which is `p/other`
          --> external/kiln_builtins/cc/headers.bzl:51:13
            |
         51 |             fail("header `%s` of %s is not below `strip_include_prefix`, which is `%s`" % (
            |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `virtual_headers` was called from external/kiln_builtins/cc/target.bzl:54:22
           = `_own_context` was called from external/kiln_builtins/cc/target.bzl:88:11
           = `compile_target` was called from external/kiln_builtins/cc/cc_library.bzl:15:14
           = in `//p:wrong` (cc_library, declared at p/BUILD:3:1)
    "#]]);
    check_files(files, "//p:rooted", expect![[r#"
        error: `include_prefix` of Label("@@//p:rooted") must be relative: `/x`
          --> external/kiln_builtins/cc/headers.bzl:44:9
            |
         44 |         fail("`include_prefix` of %s must be relative: `%s`" % (cc.label, include_prefix))
            |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `virtual_headers` was called from external/kiln_builtins/cc/target.bzl:54:22
           = `_own_context` was called from external/kiln_builtins/cc/target.bzl:88:11
           = `compile_target` was called from external/kiln_builtins/cc/cc_library.bzl:15:14
           = in `//p:rooted` (cc_library, declared at p/BUILD:4:1)
    "#]]);
}

#[test]
fn folders_stay_in_the_repository() {
    check("", r#"cc_library(name = "x", includes = ["/usr/include"])"#, expect![[r#"
        error: `includes` of Label("@@//:x") holds the absolute path `/usr/include`
          --> external/kiln_builtins/cc/headers.bzl:10:13
            |
         10 |             fail("`includes` of %s holds the absolute path `%s`" % (cc.label, include))
            |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `include_folders` was called from external/kiln_builtins/cc/target.bzl:71:27
           = `_own_context` was called from external/kiln_builtins/cc/target.bzl:88:11
           = `compile_target` was called from external/kiln_builtins/cc/cc_library.bzl:15:14
           = in `//:x` (cc_library, declared at BUILD:1:1)
    "#]]);
    check("", r#"cc_library(name = "x", includes = ["../x"])"#, expect![[r#"
        error: `includes` of Label("@@//:x") leaves its repository: `../x`
          --> external/kiln_builtins/cc/headers.bzl:13:13
            |
         13 |             fail("`includes` of %s leaves its repository: `%s`" % (cc.label, include))
            |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `include_folders` was called from external/kiln_builtins/cc/target.bzl:71:27
           = `_own_context` was called from external/kiln_builtins/cc/target.bzl:88:11
           = `compile_target` was called from external/kiln_builtins/cc/cc_library.bzl:15:14
           = in `//:x` (cc_library, declared at BUILD:1:1)
    "#]]);
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
            provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [<generated file g.h>, <generated file g.h>], direct_private_headers = [<generated file g.h>], direct_public_headers = [<generated file g.h>], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([<generated file g.h>]), includes = depset([]), lists = struct(defines = [], frameworks = [], includes = [], local_defines = [], quotes = [".", "bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([<generated file libx.a>], order = "topological"), linker_inputs = depset([struct(additional_inputs = (), libraries = (struct(alwayslink = False, dynamic_library = None, interface_library = None, objects = (<generated file _objs/x/g.o>,), pic_objects = (<generated file _objs/x/g.o>,), pic_static_library = <generated file libx.a>, resolved_symlink_dynamic_library = None, resolved_symlink_interface_library = None, static_library = <generated file libx.a>),), linkstamps = (), owner = @@//:x, user_link_flags = ())], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
            provider: OutputGroupInfo(archive = depset([<generated file libx.a>]))
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
    check("a.txt", r#"cc_library(name = "x", srcs = ["a.txt"])"#, expect![[r#"
        error: in the attribute `srcs`, `//:a.txt` is a file of another kind; `.C`, `.H`, `.S`, `.a`, `.asm`, `.c`, `.c++`, `.cc`, `.cpp`, `.cxx`, `.def`, `.dll`, `.dylib`, `.h`, `.h++`, `.hh`, `.hpp`, `.hxx`, `.inc`, `.inl`, `.ipp`, `.lo`, `.o`, `.obj`, `.s`, `.so`, `.tcc`, `.tlh` or `.tli` files are expected there
          --> BUILD:1:1
           |
         1 | cc_library(name = "x", srcs = ["a.txt"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (cc_library, declared at BUILD:1:1)
    "#]]);
    check(
        "a.py",
        r#"
py_library(name = "p", srcs = ["a.py"])
cc_library(name = "x", deps = [":p"])
"#,
        expect![[r#"
            error: in the attribute `deps`, `//:p` (py_library) makes no `.ld`, `.lds` or `.ldscript` files
              --> BUILD:3:1
               |
             3 | cc_library(name = "x", deps = [":p"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it makes a.py
               = in `//:x` (cc_library, declared at BUILD:3:1)
        "#]],
    );
    check("a.cc", r#"cc_library(name = "x", srcs = ["a.cc"], module_interfaces = ["a.cc"])"#, expect![[r#"
        error: `module_interfaces` of Label("@@//:x"): C++20 modules are not supported
          --> external/kiln_builtins/cc/target.bzl:85:9
            |
         85 |         fail("`module_interfaces` of %s: C++20 modules are not supported" % ctx.label)
            |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `compile_target` was called from external/kiln_builtins/cc/cc_library.bzl:15:14
           = in `//:x` (cc_library, declared at BUILD:1:1)
    "#]]);
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
            provider: CcInfo(_debug_context = None, _legacy_transitive_native_libraries = None, compilation_context = struct(defines = depset([]), direct_headers = [], direct_private_headers = [], direct_public_headers = [], direct_textual_headers = [], external_includes = depset([]), framework_includes = depset([]), headers = depset([]), includes = depset([]), lists = struct(defines = [], frameworks = [], includes = [], local_defines = [], quotes = [".", "bin"], systems = []), local_defines = depset([]), quote_includes = depset([".", "bin"]), system_includes = depset([]), validation_artifacts = depset([])), linking_context = struct(archives = depset([], order = "topological"), linker_inputs = depset([], order = "topological"), specials = depset([], order = "topological"), whole_archives = depset([], order = "topological")))
            provider: OutputGroupInfo(archive = depset([]))
        "#]],
    );
}

fn with(settings: Settings, expect: expect_test::Expect) {
    let mut world = world("=== a.cc s/b.c\n=== BUILD\ncc_binary(name = 'x', srcs = ['a.cc', 's/b.c'])");
    world.configuration = Configuration::new(settings);
    check_in(&mut world, "//:x", expect);
}

#[test]
fn compilation_modes() {
    with(
        Settings { mode: CompilationMode::Opt, ..Settings::default() },
        expect![[r#"
            files: kiln-out/opt/bin/x
            executable: kiln-out/opt/bin/x
            runfiles: _main/x
            data runfiles: _main/x
            provider: RunEnvironmentInfo(environment = {}, inherited_environment = [])
            CppCompile -> kiln-out/opt/bin/_objs/x/a.o kiln-out/opt/bin/_objs/x/a.d
              progress: Compiling a.cc
              argv: /usr/bin/g++
              argv: -U_FORTIFY_SOURCE -fstack-protector -Wall -Wunused-but-set-parameter -Wno-free-nonheap-object -fno-omit-frame-pointer -g0 -O2 -D_FORTIFY_SOURCE=1 -DNDEBUG -ffunction-sections -fdata-sections -fPIC -std=c++17 -iquote . -iquote kiln-out/opt/bin (last)
              argv: -MD -MF <kiln-out/opt/bin/_objs/x/a.d> <kiln-out/opt/bin/_objs/x/a.o as -frandom-seed=%s> -c <a.cc> -o <kiln-out/opt/bin/_objs/x/a.o>
              inputs: a.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: kiln-out/opt/bin/_objs/x/a.d
            CppCompile -> kiln-out/opt/bin/_objs/x/b.o kiln-out/opt/bin/_objs/x/b.d
              progress: Compiling s/b.c
              argv: /usr/bin/gcc
              argv: -U_FORTIFY_SOURCE -fstack-protector -Wall -Wunused-but-set-parameter -Wno-free-nonheap-object -fno-omit-frame-pointer -g0 -O2 -D_FORTIFY_SOURCE=1 -DNDEBUG -ffunction-sections -fdata-sections -fPIC -iquote . -iquote kiln-out/opt/bin (last)
              argv: -MD -MF <kiln-out/opt/bin/_objs/x/b.d> <kiln-out/opt/bin/_objs/x/b.o as -frandom-seed=%s> -c <s/b.c> -o <kiln-out/opt/bin/_objs/x/b.o>
              inputs: s/b.c
              env: PWD=/proc/self/cwd
              env: default
              dependency file: kiln-out/opt/bin/_objs/x/b.d
            CppLink -> kiln-out/opt/bin/x
              progress: Linking kiln-out/opt/bin/x
              argv: /usr/bin/g++
              argv: -o <kiln-out/opt/bin/x> -Wl,-no-as-needed -Wl,-z,relro,-z,now -pass-exit-codes -Wl,--gc-sections <kiln-out/opt/bin/_objs/x/a.o> <kiln-out/opt/bin/_objs/x/b.o> (param file @%s Shell always=false)
              inputs: kiln-out/opt/bin/_objs/x/a.o kiln-out/opt/bin/_objs/x/b.o
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
    with(
        Settings { mode: CompilationMode::Dbg, ..Settings::default() },
        expect![[r#"
            files: kiln-out/dbg/bin/x
            executable: kiln-out/dbg/bin/x
            runfiles: _main/x
            data runfiles: _main/x
            provider: RunEnvironmentInfo(environment = {}, inherited_environment = [])
            CppCompile -> kiln-out/dbg/bin/_objs/x/a.o kiln-out/dbg/bin/_objs/x/a.d
              progress: Compiling a.cc
              argv: /usr/bin/g++
              argv: -U_FORTIFY_SOURCE -fstack-protector -Wall -Wunused-but-set-parameter -Wno-free-nonheap-object -fno-omit-frame-pointer -g -fPIC -std=c++17 -iquote . -iquote kiln-out/dbg/bin (last)
              argv: -MD -MF <kiln-out/dbg/bin/_objs/x/a.d> <kiln-out/dbg/bin/_objs/x/a.o as -frandom-seed=%s> -c <a.cc> -o <kiln-out/dbg/bin/_objs/x/a.o>
              inputs: a.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: kiln-out/dbg/bin/_objs/x/a.d
            CppCompile -> kiln-out/dbg/bin/_objs/x/b.o kiln-out/dbg/bin/_objs/x/b.d
              progress: Compiling s/b.c
              argv: /usr/bin/gcc
              argv: -U_FORTIFY_SOURCE -fstack-protector -Wall -Wunused-but-set-parameter -Wno-free-nonheap-object -fno-omit-frame-pointer -g -fPIC -iquote . -iquote kiln-out/dbg/bin (last)
              argv: -MD -MF <kiln-out/dbg/bin/_objs/x/b.d> <kiln-out/dbg/bin/_objs/x/b.o as -frandom-seed=%s> -c <s/b.c> -o <kiln-out/dbg/bin/_objs/x/b.o>
              inputs: s/b.c
              env: PWD=/proc/self/cwd
              env: default
              dependency file: kiln-out/dbg/bin/_objs/x/b.d
            CppLink -> kiln-out/dbg/bin/x
              progress: Linking kiln-out/dbg/bin/x
              argv: /usr/bin/g++
              argv: -o <kiln-out/dbg/bin/x> -Wl,-no-as-needed -Wl,-z,relro,-z,now -pass-exit-codes <kiln-out/dbg/bin/_objs/x/a.o> <kiln-out/dbg/bin/_objs/x/b.o> (param file @%s Shell always=false)
              inputs: kiln-out/dbg/bin/_objs/x/a.o kiln-out/dbg/bin/_objs/x/b.o
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
}

#[test]
fn flags_of_the_command_line() {
    with(
        Settings {
            copts: vec!["-Dcopt".into()],
            conlyopts: vec!["-Dconly".into()],
            cxxopts: vec!["-std=c++20".into()],
            linkopts: vec!["-lall".into()],
            features: vec!["treat_warnings_as_errors".into()],
            strip: "never".into(),
            per_file_copts: vec![
                "//:a,-b@-Dall,-Dcomma\\,x".into(),
                "s/.*\\.c$@-Dend".into(),
                "^a\\.cc@-Dstart".into(),
                "+none@-Dnever".into(),
            ],
            ..Settings::default()
        },
        expect![[r#"
            files: bin/x
            executable: bin/x
            runfiles: _main/x
            data runfiles: _main/x
            provider: RunEnvironmentInfo(environment = {}, inherited_environment = [])
            CppCompile -> bin/_objs/x/a.o bin/_objs/x/a.d
              progress: Compiling a.cc
              argv: /usr/bin/g++
              argv: (first) -Werror -std=c++17 -iquote . -iquote bin -Dcopt -std=c++20 (last)
              argv: -Dall -Dcomma,x -Dstart -MD -MF <bin/_objs/x/a.d> <bin/_objs/x/a.o as -frandom-seed=%s> -c <a.cc> -o <bin/_objs/x/a.o>
              inputs: a.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/a.d
            CppCompile -> bin/_objs/x/b.o bin/_objs/x/b.d
              progress: Compiling s/b.c
              argv: /usr/bin/gcc
              argv: (first) -Werror -iquote . -iquote bin -Dcopt -Dconly (last)
              argv: -Dend -MD -MF <bin/_objs/x/b.d> <bin/_objs/x/b.o as -frandom-seed=%s> -c <s/b.c> -o <bin/_objs/x/b.o>
              inputs: s/b.c
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/b.d
            CppLink -> bin/x
              progress: Linking bin/x
              argv: /usr/bin/g++
              argv: -o <bin/x> -Wl,-no-as-needed -Wl,-z,relro,-z,now -pass-exit-codes <bin/_objs/x/a.o> <bin/_objs/x/b.o> -lall (param file @%s Shell always=false)
              inputs: bin/_objs/x/a.o bin/_objs/x/b.o
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
}

#[test]
fn without_a_compiler() {
    let mut world = world("=== BUILD\ncc_library(name = 'x')");
    if let Some(machine) = &mut world.machine {
        machine.cc = None;
    }
    check_in(&mut world, "//:x", expect![[r#"
        error: Label("@@//:x") needs a C++ compiler, and none was found on this machine (hint: install `g++` or `clang`, or set `CC`)
          --> external/kiln_builtins/cc/config.bzl:9:9
           |
         9 |         fail("%s needs a C++ compiler, and none was found on this machine (hint: install `g++` or `clang`, or set `CC`)" % label)
           |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `require_tools` was called from external/kiln_builtins/cc/config.bzl:22:13
           = `cc_config` was called from external/kiln_builtins/cc/target.bzl:83:10
           = `compile_target` was called from external/kiln_builtins/cc/cc_library.bzl:15:14
           = in `//:x` (cc_library, declared at BUILD:1:1)
    "#]]);
}

#[test]
fn a_clang_without_optional_flags() {
    let mut world = world("=== a.cc\n=== BUILD\ncc_binary(name = 'x', srcs = ['a.cc'])");
    if let Some(cc) = world.machine.as_mut().and_then(|machine| machine.cc.as_mut()) {
        cc.compiler = "clang".into();
        cc.supported_flags = vec!["-Wself-assign".into()];
        cc.linker = Some("lld".into());
    }
    check_in(&mut world, "//:x", expect![[r#"
        files: bin/x
        executable: bin/x
        runfiles: _main/x
        data runfiles: _main/x
        provider: RunEnvironmentInfo(environment = {}, inherited_environment = [])
        CppCompile -> bin/_objs/x/a.o bin/_objs/x/a.d
          progress: Compiling a.cc
          argv: /usr/bin/g++
          argv: -U_FORTIFY_SOURCE -fstack-protector -Wall -Wself-assign -fno-omit-frame-pointer -fPIC -std=c++17 -iquote . -iquote bin -Wno-builtin-macro-redefined -D__DATE__="redacted" -D__TIMESTAMP__="redacted" -D__TIME__="redacted"
          argv: -MD -MF <bin/_objs/x/a.d> <bin/_objs/x/a.o as -frandom-seed=%s> -c <a.cc> -o <bin/_objs/x/a.o>
          inputs: a.cc
          env: PWD=/proc/self/cwd
          env: default
          dependency file: bin/_objs/x/a.d
        CppLink -> bin/x
          progress: Linking bin/x
          argv: /usr/bin/g++
          argv: -o <bin/x> -fuse-ld=lld -Wl,-no-as-needed -Wl,-z,relro,-z,now -Wl,-S <bin/_objs/x/a.o> (param file @%s Shell always=false)
          inputs: bin/_objs/x/a.o
          env: PWD=/proc/self/cwd
          env: default
    "#]]);
}
