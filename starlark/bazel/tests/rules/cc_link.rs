//! `cc_binary`, `cc_test`, `cc_import`, `cc_shared_library`: linking.

use expect_test::expect;

use crate::world::{check, check_files};

#[test]
fn a_program_of_libraries() {
    check(
        "x.cc a.cc b.cc c.cc d.cc",
        r#"
cc_binary(name = "x", srcs = ["x.cc"], deps = [":a", ":b"], linkopts = ["-lx -ly"])
cc_library(name = "a", srcs = ["a.cc"], deps = [":c"], linkopts = ["-la"])
cc_library(name = "b", srcs = ["b.cc"], deps = [":c"], alwayslink = 1)
cc_library(name = "c", srcs = ["c.cc"], implementation_deps = [":d"], linkopts = ["-pthread"])
cc_library(name = "d", srcs = ["d.cc"])
"#,
        expect![[r#"
            files: bin/x
            executable: bin/x
            runfiles: _main/x
            data runfiles: _main/x
            CppCompile -> bin/_objs/x/x.o bin/_objs/x/x.d
              progress: Compiling x.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/x.d> <bin/_objs/x/x.o as -frandom-seed=%s> -c <x.cc> -o <bin/_objs/x/x.o>
              inputs: x.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/x.d
            CppLink -> bin/x
              progress: Linking bin/x
              argv: /usr/bin/g++
              argv: -o <bin/x> (link) <bin/_objs/x/x.o> -Wl,--whole-archive [bin/libb.lo] -Wl,--no-whole-archive [bin/liba.a bin/libc.a bin/libd.a] -lx -ly -la -pthread (param file @%s Shell always=false)
              inputs: bin/libb.lo bin/libd.a bin/libc.a bin/liba.a bin/_objs/x/x.o
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
}

#[test]
fn a_test() {
    check(
        "x.cc d.txt tool.sh",
        r#"
sh_binary(name = "tool", srcs = ["tool.sh"])
cc_test(
    name = "x",
    size = "small",
    srcs = ["x.cc"],
    args = ["--data=$(location d.txt)", "$(rootpath :tool)"],
    data = ["d.txt", ":tool"],
    env = {"A": "$(rlocationpath d.txt)", "T": "$(location :tool)", "P": "$$HOME"},
    env_inherit = ["HOME"],
)
"#,
        expect![[r#"
            files: bin/x
            executable: bin/x
            runfiles: _main/d.txt _main/tool _main/tool.sh _main/x
            data runfiles: _main/d.txt _main/tool _main/tool.sh _main/x
            args: --data=d.txt | tool
            env: A=_main/d.txt P=$HOME T=tool
            inherits: HOME
            CppCompile -> bin/_objs/x/x.o bin/_objs/x/x.d
              progress: Compiling x.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/x.d> <bin/_objs/x/x.o as -frandom-seed=%s> -c <x.cc> -o <bin/_objs/x/x.o>
              inputs: x.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/x.d
            CppLink -> bin/x
              progress: Linking bin/x
              argv: /usr/bin/g++
              argv: -o <bin/x> (link) -Wl,--allow-multiple-definition <bin/_objs/x/x.o> (param file @%s Shell always=false)
              inputs: bin/_objs/x/x.o
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
}

#[test]
fn a_program_without_sources() {
    check(
        "main.cc",
        r#"
cc_library(name = "main", srcs = ["main.cc"], alwayslink = True)
cc_binary(name = "x", deps = [":main"])
"#,
        expect![[r#"
            files: bin/x
            executable: bin/x
            runfiles: _main/x
            data runfiles: _main/x
            CppLink -> bin/x
              progress: Linking bin/x
              argv: /usr/bin/g++
              argv: -o <bin/x> (link) -Wl,--whole-archive [bin/libmain.lo] -Wl,--no-whole-archive (param file @%s Shell always=false)
              inputs: bin/libmain.lo
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
}

#[test]
fn shared_libraries() {
    let files = r#"
=== p/BUILD
cc_binary(name = "x", srcs = ["x.cc"], linkshared = True, deps = [":a"])
cc_binary(name = "libnamed.so", srcs = ["x.cc"], linkshared = True)
cc_library(name = "a", srcs = ["a.cc", "libpre.so"])
cc_binary(name = "user", srcs = ["x.cc", ":libnamed.so"], deps = [":a"])
=== p/x.cc p/a.cc p/libpre.so
"#;
    check_files(
        files,
        "//p:x",
        expect![[r#"
        files: bin/p/libx.so
        executable: bin/p/libx.so
        runfiles: _main/p/libpre.so _main/p/libx.so
        data runfiles: _main/p/libpre.so _main/p/libx.so
        CppCompile -> bin/p/_objs/x/x.o bin/p/_objs/x/x.d
          progress: Compiling p/x.cc
          argv: /usr/bin/g++
          argv: (first) -std=c++17 -iquote . -iquote bin (last)
          argv: -MD -MF <bin/p/_objs/x/x.d> <bin/p/_objs/x/x.o as -frandom-seed=%s> -c <p/x.cc> -o <bin/p/_objs/x/x.o>
          inputs: p/x.cc
          env: PWD=/proc/self/cwd
          env: default
          dependency file: bin/p/_objs/x/x.d
        CppLink -> bin/p/libx.so
          progress: Linking bin/p/libx.so
          argv: /usr/bin/g++
          argv: -o <bin/p/libx.so> -shared (link) -Wl,-rpath,$ORIGIN/../../_main/p -Wl,-rpath,$ORIGIN/libx.so.runfiles/_main/p <bin/p/_objs/x/x.o> [bin/p/liba.a] -Lp -l:libpre.so (param file @%s Shell always=false)
          inputs: bin/p/liba.a bin/p/_objs/x/x.o p/libpre.so
          env: PWD=/proc/self/cwd
          env: default
    "#]],
    );
    check_files(
        files,
        "//p:libnamed.so",
        expect![[r#"
        files: bin/p/libnamed.so
        executable: bin/p/libnamed.so
        runfiles: _main/p/libnamed.so
        data runfiles: _main/p/libnamed.so
        CppCompile -> bin/p/_objs/libnamed.so/x.o bin/p/_objs/libnamed.so/x.d
          progress: Compiling p/x.cc
          argv: /usr/bin/g++
          argv: (first) -std=c++17 -iquote . -iquote bin (last)
          argv: -MD -MF <bin/p/_objs/libnamed.so/x.d> <bin/p/_objs/libnamed.so/x.o as -frandom-seed=%s> -c <p/x.cc> -o <bin/p/_objs/libnamed.so/x.o>
          inputs: p/x.cc
          env: PWD=/proc/self/cwd
          env: default
          dependency file: bin/p/_objs/libnamed.so/x.d
        CppLink -> bin/p/libnamed.so
          progress: Linking bin/p/libnamed.so
          argv: /usr/bin/g++
          argv: -o <bin/p/libnamed.so> -shared (link) <bin/p/_objs/libnamed.so/x.o> (param file @%s Shell always=false)
          inputs: bin/p/_objs/libnamed.so/x.o
          env: PWD=/proc/self/cwd
          env: default
    "#]],
    );
    check_files(
        files,
        "//p:user",
        expect![[r#"
            files: bin/p/user
            executable: bin/p/user
            runfiles: _main/p/libnamed.so _main/p/libpre.so _main/p/user
            data runfiles: _main/p/libnamed.so _main/p/libpre.so _main/p/user
            CppCompile -> bin/p/_objs/user/x.o bin/p/_objs/user/x.d
              progress: Compiling p/x.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/p/_objs/user/x.d> <bin/p/_objs/user/x.o as -frandom-seed=%s> -c <p/x.cc> -o <bin/p/_objs/user/x.o>
              inputs: p/x.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/p/_objs/user/x.d
            CppLink -> bin/p/user
              progress: Linking bin/p/user
              argv: /usr/bin/g++
              argv: -o <bin/p/user> (link) -Wl,-rpath,$ORIGIN/../../_main/p -Wl,-rpath,$ORIGIN/user.runfiles/_main/p <bin/p/_objs/user/x.o> [bin/p/liba.a] -Lbin/p -l:libnamed.so -Lp -l:libpre.so (param file @%s Shell always=false)
              inputs: bin/p/liba.a bin/p/_objs/user/x.o bin/p/libnamed.so p/libpre.so
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
}

#[test]
fn malloc_and_linker_scripts() {
    check(
        "x.cc m.cc s.lds v.map",
        r#"
cc_library(name = "m", srcs = ["m.cc"])
cc_binary(
    name = "x",
    srcs = ["x.cc"],
    deps = ["s.lds"],
    malloc = ":m",
    additional_linker_inputs = ["v.map"],
    linkopts = ["-Wl,--version-script=$(location v.map)", "-T", ":s.lds"],
)
"#,
        expect![[r#"
            files: bin/x
            executable: bin/x
            runfiles: _main/x
            data runfiles: _main/x
            CppCompile -> bin/_objs/x/x.o bin/_objs/x/x.d
              progress: Compiling x.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/x.d> <bin/_objs/x/x.o as -frandom-seed=%s> -c <x.cc> -o <bin/_objs/x/x.o>
              inputs: x.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/x.d
            CppLink -> bin/x
              progress: Linking bin/x
              argv: /usr/bin/g++
              argv: -o <bin/x> (link) <bin/_objs/x/x.o> [bin/libm.a] -Wl,--version-script=v.map -T s.lds (param file @%s Shell always=false)
              inputs: bin/libm.a bin/_objs/x/x.o v.map s.lds
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
}

#[test]
fn imported_libraries() {
    let files = r#"
=== BUILD
cc_import(name = "static", static_library = "liba.a", hdrs = ["a.h"], alwayslink = True, includes = ["i"])
cc_import(name = "shared", shared_library = "libb.so", interface_library = "libb.ifso")
cc_import(name = "system", interface_library = "libc.so", system_provided = True)
cc_import(name = "empty")
cc_binary(name = "x", srcs = ["x.cc"], deps = [":static", ":shared", ":system", ":empty"])
cc_import(name = "wrong1", shared_library = "libb.so", system_provided = True)
cc_import(name = "wrong2", interface_library = "libb.ifso")
cc_import(name = "wrong3", alwayslink = True)
=== x.cc a.h liba.a libb.so libb.ifso libc.so
"#;
    check_files(
        files,
        "//:x",
        expect![[r#"
        files: bin/x
        executable: bin/x
        runfiles: _main/libb.so _main/x
        data runfiles: _main/libb.so _main/x
        CppCompile -> bin/_objs/x/x.o bin/_objs/x/x.d
          progress: Compiling x.cc
          argv: /usr/bin/g++
          argv: (first) -std=c++17 -iquote . -iquote bin -isystem i -isystem bin/i (last)
          argv: -MD -MF <bin/_objs/x/x.d> <bin/_objs/x/x.o as -frandom-seed=%s> -c <x.cc> -o <bin/_objs/x/x.o>
          inputs: a.h x.cc
          env: PWD=/proc/self/cwd
          env: default
          dependency file: bin/_objs/x/x.d
        CppLink -> bin/x
          progress: Linking bin/x
          argv: /usr/bin/g++
          argv: -o <bin/x> (link) -Wl,-rpath,$ORIGIN/../_main -Wl,-rpath,$ORIGIN/x.runfiles/_main <bin/_objs/x/x.o> -Wl,--whole-archive [liba.a] -Wl,--no-whole-archive -L. -l:libb.ifso -L. -l:libc.so (param file @%s Shell always=false)
          inputs: liba.a bin/_objs/x/x.o libb.ifso libc.so libb.so
          env: PWD=/proc/self/cwd
          env: default
    "#]],
    );
    check_files(
        files,
        "//:static",
        expect![[r#"
        files: liba.a
    "#]],
    );
    check_files(
        files,
        "//:wrong1",
        expect![[r#"
            error: //:wrong1: `shared_library` must not be given with `system_provided`
              --> BUILD:6:1
               |
             6 | cc_import(name = "wrong1", shared_library = "libb.so", system_provided = True)
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:wrong1` (cc_import, declared at BUILD:6:1)
            hint: drop one of the two
        "#]],
    );
    check_files(
        files,
        "//:wrong2",
        expect![[r#"
            error: //:wrong2: `interface_library` needs `shared_library` or `system_provided`
              --> BUILD:7:1
               |
             7 | cc_import(name = "wrong2", interface_library = "libb.ifso")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:wrong2` (cc_import, declared at BUILD:7:1)
            hint: add one of the two
        "#]],
    );
    check_files(
        files,
        "//:wrong3",
        expect![[r#"
            error: //:wrong3: `alwayslink` needs a static library
              --> BUILD:8:1
               |
             8 | cc_import(name = "wrong3", alwayslink = True)
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:wrong3` (cc_import, declared at BUILD:8:1)
            hint: add `static_library`, or drop `alwayslink`
        "#]],
    );
}

#[test]
fn libraries_in_a_shared_library() {
    let files = r#"
=== BUILD
cc_library(name = "a", srcs = ["a.cc"], deps = [":b", ":c"])
cc_library(name = "b", srcs = ["b.cc"])
cc_library(name = "c", srcs = ["c.cc"])
cc_shared_library(name = "low", deps = [":c"])
cc_shared_library(name = "high", deps = [":a"], dynamic_deps = [":low"], exports_filter = [":b"], user_link_flags = ["-lz"])
cc_shared_library(name = "named", roots = [":c"], shared_lib_name = "c.so")
cc_binary(name = "x", srcs = ["x.cc"], deps = [":a"], dynamic_deps = [":high"])
=== x.cc a.cc b.cc c.cc
"#;
    check_files(
        files,
        "//:high",
        expect![[r#"
        files: bin/libhigh.so
        runfiles: _main/libhigh.so _main/liblow.so
        group main_shared_library_output: bin/libhigh.so
        CppLink -> bin/libhigh.so
          progress: Linking bin/libhigh.so
          argv: /usr/bin/g++
          argv: -o <bin/libhigh.so> -shared (link) -Wl,-rpath,$ORIGIN/../_main -Wl,-rpath,$ORIGIN/libhigh.so.runfiles/_main -Wl,--whole-archive [bin/liba.a] -Wl,--no-whole-archive [bin/libb.a] -Lbin -l:liblow.so -lz (param file @%s Shell always=false)
          inputs: bin/liba.a bin/libb.a bin/liblow.so
          env: PWD=/proc/self/cwd
          env: default
    "#]],
    );
    check_files(
        files,
        "//:x",
        expect![[r#"
            files: bin/x
            executable: bin/x
            runfiles: _main/libhigh.so _main/liblow.so _main/x
            data runfiles: _main/libhigh.so _main/liblow.so _main/x
            CppCompile -> bin/_objs/x/x.o bin/_objs/x/x.d
              progress: Compiling x.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/x.d> <bin/_objs/x/x.o as -frandom-seed=%s> -c <x.cc> -o <bin/_objs/x/x.o>
              inputs: x.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/x.d
            CppLink -> bin/x
              progress: Linking bin/x
              argv: /usr/bin/g++
              argv: -o <bin/x> (link) -Wl,-rpath,$ORIGIN/../_main -Wl,-rpath,$ORIGIN/x.runfiles/_main <bin/_objs/x/x.o> -Lbin -l:libhigh.so -Lbin -l:liblow.so (param file @%s Shell always=false)
              inputs: bin/_objs/x/x.o bin/libhigh.so bin/liblow.so
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
    check_files(
        files,
        "//:named",
        expect![[r#"
        files: bin/c.so
        runfiles: _main/c.so
        group main_shared_library_output: bin/c.so
        CppLink -> bin/c.so
          progress: Linking bin/c.so
          argv: /usr/bin/g++
          argv: -o <bin/c.so> -shared (link) -Wl,--whole-archive [bin/libc.a] -Wl,--no-whole-archive (param file @%s Shell always=false)
          inputs: bin/libc.a
          env: PWD=/proc/self/cwd
          env: default
    "#]],
    );
}

#[test]
fn a_test_links_direct_dependencies_whole() {
    let files = r#"
=== BUILD
cc_library(name = "registered", srcs = ["r.cc"], deps = [":used", ":always"])
cc_library(name = "used", srcs = ["u.cc"])
cc_library(name = "always", srcs = ["v.cc"], alwayslink = True)
cc_test(name = "dynamic", srcs = ["x.cc"], deps = [":registered"])
cc_test(name = "static", srcs = ["x.cc"], deps = [":registered"], linkstatic = True)
=== x.cc r.cc u.cc v.cc
"#;
    check_files(
        files,
        "//:dynamic",
        expect![[r#"
        files: bin/dynamic
        executable: bin/dynamic
        runfiles: _main/dynamic
        data runfiles: _main/dynamic
        CppCompile -> bin/_objs/dynamic/x.o bin/_objs/dynamic/x.d
          progress: Compiling x.cc
          argv: /usr/bin/g++
          argv: (first) -std=c++17 -iquote . -iquote bin (last)
          argv: -MD -MF <bin/_objs/dynamic/x.d> <bin/_objs/dynamic/x.o as -frandom-seed=%s> -c <x.cc> -o <bin/_objs/dynamic/x.o>
          inputs: x.cc
          env: PWD=/proc/self/cwd
          env: default
          dependency file: bin/_objs/dynamic/x.d
        CppLink -> bin/dynamic
          progress: Linking bin/dynamic
          argv: /usr/bin/g++
          argv: -o <bin/dynamic> (link) -Wl,--allow-multiple-definition <bin/_objs/dynamic/x.o> -Wl,--whole-archive [bin/libalways.lo] <bin/libregistered.a> -Wl,--no-whole-archive [bin/libregistered.a bin/libused.a] (param file @%s Shell always=false)
          inputs: bin/libalways.lo bin/libused.a bin/libregistered.a bin/_objs/dynamic/x.o
          env: PWD=/proc/self/cwd
          env: default
    "#]],
    );
    check_files(
        files,
        "//:static",
        expect![[r#"
        files: bin/static
        executable: bin/static
        runfiles: _main/static
        data runfiles: _main/static
        CppCompile -> bin/_objs/static/x.o bin/_objs/static/x.d
          progress: Compiling x.cc
          argv: /usr/bin/g++
          argv: (first) -std=c++17 -iquote . -iquote bin (last)
          argv: -MD -MF <bin/_objs/static/x.d> <bin/_objs/static/x.o as -frandom-seed=%s> -c <x.cc> -o <bin/_objs/static/x.o>
          inputs: x.cc
          env: PWD=/proc/self/cwd
          env: default
          dependency file: bin/_objs/static/x.d
        CppLink -> bin/static
          progress: Linking bin/static
          argv: /usr/bin/g++
          argv: -o <bin/static> (link) <bin/_objs/static/x.o> -Wl,--whole-archive [bin/libalways.lo] -Wl,--no-whole-archive [bin/libregistered.a bin/libused.a] (param file @%s Shell always=false)
          inputs: bin/libalways.lo bin/libused.a bin/libregistered.a bin/_objs/static/x.o
          env: PWD=/proc/self/cwd
          env: default
    "#]],
    );
}
