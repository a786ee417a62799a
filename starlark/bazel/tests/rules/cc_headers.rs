//! `cc_library`: headers, definitions, and what dependents see of them.

use expect_test::expect;

use crate::world::{check, check_files};

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
    check(
        "",
        r#"cc_library(name = "x", defines = ["A B"])"#,
        expect![[r#"
            error: `defines` of //:x must hold one shell word an item; `A B` is 2
              --> BUILD:1:1
               |
             1 | cc_library(name = "x", defines = ["A B"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (cc_library, declared at BUILD:1:1)
            hint: quote blanks for the shell, or make each word an item
        "#]],
    );
    check(
        "",
        r#"cc_library(name = "x", local_defines = [""])"#,
        expect![[r#"
            error: `local_defines` of //:x must hold one shell word an item; `` is 0
              --> BUILD:1:1
               |
             1 | cc_library(name = "x", local_defines = [""])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (cc_library, declared at BUILD:1:1)
            hint: quote blanks for the shell, or make each word an item
        "#]],
    );
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
    check_files(
        files,
        "//p:user",
        expect![[r#"
        files: bin/p/libuser.a
        group archive: bin/p/libuser.a
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
    "#]],
    );
    check_files(
        files,
        "//p:prefixed",
        expect![[r#"
        Symlink -> bin/p/_virtual_includes/prefixed/mylib/p/src/a.h
          link: p/src/a.h
    "#]],
    );
    check_files(
        files,
        "//p:wrong",
        expect![[r#"
            error: header `p/src/a.h` of //p:wrong is not below `strip_include_prefix`, which is `p/other`
              --> p/BUILD:3:1
               |
             3 | cc_library(name = 'wrong', hdrs = ['src/a.h'], strip_include_prefix = 'other')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//p:wrong` (cc_library, declared at p/BUILD:3:1)
            hint: name a folder that all headers of the target are in
        "#]],
    );
    check_files(
        files,
        "//p:rooted",
        expect![[r#"
            error: `include_prefix` of //p:rooted must be relative: `/x`
              --> p/BUILD:4:1
               |
             4 | cc_library(name = 'rooted', hdrs = ['src/a.h'], include_prefix = '/x')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//p:rooted` (cc_library, declared at p/BUILD:4:1)
            hint: drop the slash at the beginning
        "#]],
    );
}

#[test]
fn folders_stay_in_the_repository() {
    check(
        "",
        r#"cc_library(name = "x", includes = ["/usr/include"])"#,
        expect![[r#"
            error: `includes` of //:x holds the absolute path `/usr/include`
              --> BUILD:1:1
               |
             1 | cc_library(name = "x", includes = ["/usr/include"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (cc_library, declared at BUILD:1:1)
            hint: write it relative to the folder of the BUILD file
        "#]],
    );
    check(
        "",
        r#"cc_library(name = "x", includes = ["../x"])"#,
        expect![[r#"
            error: `includes` of //:x leaves its repository: `../x`
              --> BUILD:1:1
               |
             1 | cc_library(name = "x", includes = ["../x"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (cc_library, declared at BUILD:1:1)
            hint: name a folder of this repository
        "#]],
    );
}

#[test]
fn users_of_runfiles_know_their_repository() {
    check(
        "x.cc",
        "cc_binary(name = 'x', srcs = ['x.cc'], deps = ['@bazel_tools//tools/cpp/runfiles'])",
        expect![[r#"
            files: bin/x
            executable: bin/x
            runfiles: _main/x
            data runfiles: _main/x
            CppCompile -> bin/_objs/x/x.o bin/_objs/x/x.d
              progress: Compiling x.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -DBAZEL_CURRENT_REPOSITORY="" -iquote . -iquote bin -iquote external/bazel_tools -iquote bin/external/bazel_tools -iquote external/rules_cc -iquote bin/external/rules_cc -Ibin/external/rules_cc/cc/runfiles/_virtual_includes/runfiles (last)
              argv: -MD -MF <bin/_objs/x/x.d> <bin/_objs/x/x.o as -frandom-seed=%s> -c <x.cc> -o <bin/_objs/x/x.o>
              inputs: external/bazel_tools/tools/cpp/runfiles/runfiles.h external/rules_cc/cc/runfiles/runfiles.h bin/external/rules_cc/cc/runfiles/_virtual_includes/runfiles/rules_cc/cc/runfiles/runfiles.h x.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/x.d
            CppLink -> bin/x
              progress: Linking bin/x
              argv: /usr/bin/g++
              argv: -o <bin/x> (link) <bin/_objs/x/x.o> [bin/external/rules_cc/cc/runfiles/librunfiles.a] (param file @%s Shell always=false)
              inputs: bin/external/rules_cc/cc/runfiles/librunfiles.a bin/_objs/x/x.o
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
}
