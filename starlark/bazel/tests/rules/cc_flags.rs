//! Flags of compilations and linking: of targets, of the command line, of the compiler.

use expect_test::expect;
use kiln_targets::{CompilationMode, Configuration, Settings};

use crate::world::{check, check_in, world};

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
    check(
        "a.cc",
        r#"cc_library(name = "x", srcs = ["a.cc"], copts = ["'unclosed"])"#,
        expect![[r#"
            error: unclosed ' in `'unclosed`
              --> BUILD:1:1
               |
             1 | cc_library(name = "x", srcs = ["a.cc"], copts = ["'unclosed"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (cc_library, declared at BUILD:1:1)
        "#]],
    );
    check(
        "a.cc",
        r#"cc_library(name = "x", srcs = ["a.cc"], copts = ["$(NOPE)"])"#,
        expect![[r#"
            error: unknown make variable `NOPE` in `$(NOPE)`
              --> BUILD:1:1
               |
             1 | cc_library(name = "x", srcs = ["a.cc"], copts = ["$(NOPE)"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in the attribute `copts`
               = in `//:x` (cc_library, declared at BUILD:1:1)
            hint: write `$$` for a plain `$`
        "#]],
    );
}

fn with(settings: Settings, expect: expect_test::Expect) {
    let mut world =
        world("=== a.cc s/b.c\n=== BUILD\ncc_binary(name = 'x', srcs = ['a.cc', 's/b.c'])");
    world.configuration = Configuration::new(settings);
    check_in(&mut world, "//:x", expect);
}

#[test]
fn compilation_modes() {
    with(
        Settings {
            mode: CompilationMode::Opt,
            ..Settings::default()
        },
        expect![[r#"
            files: kiln-out/opt/bin/x
            executable: kiln-out/opt/bin/x
            runfiles: _main/x
            data runfiles: _main/x
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
        Settings {
            mode: CompilationMode::Dbg,
            ..Settings::default()
        },
        expect![[r#"
            files: kiln-out/dbg/bin/x
            executable: kiln-out/dbg/bin/x
            runfiles: _main/x
            data runfiles: _main/x
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
              argv: -o <bin/x> -Wl,-no-as-needed -Wl,-z,relro,-z,now -pass-exit-codes -Wl,-fatal-warnings <bin/_objs/x/a.o> <bin/_objs/x/b.o> -lall (param file @%s Shell always=false)
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
    check_in(
        &mut world,
        "//:x",
        expect![[r#"
            error: //:x needs a C++ compiler, and there is no `gcc` or `clang` where it is looked for
              --> BUILD:1:1
               |
             1 | cc_library(name = 'x')
               | ^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (cc_library, declared at BUILD:1:1)
            hint: install one, on Debian: `apt install g++`, or say in which folder it is: `--cc_executable_search_paths`
        "#]],
    );
}

#[test]
fn a_clang_without_optional_flags() {
    let mut world = world("=== a.cc\n=== BUILD\ncc_binary(name = 'x', srcs = ['a.cc'])");
    if let Some(cc) = world
        .machine
        .as_mut()
        .and_then(|machine| machine.cc.as_mut())
    {
        cc.compiler = "clang".into();
        cc.supported_flags = vec!["-Wself-assign".into()];
        cc.linker = Some("lld".into());
    }
    check_in(
        &mut world,
        "//:x",
        expect![[r#"
        files: bin/x
        executable: bin/x
        runfiles: _main/x
        data runfiles: _main/x
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
    "#]],
    );
}

#[test]
fn features_with_flags() {
    let features = ["asan", "fully_static_link", "unknown", "tsan", "-tsan"];
    with(
        Settings {
            features: features.map(Into::into).to_vec(),
            ..Settings::default()
        },
        expect![[r#"
            files: bin/x
            executable: bin/x
            runfiles: _main/x
            data runfiles: _main/x
            CppCompile -> bin/_objs/x/a.o bin/_objs/x/a.d
              progress: Compiling a.cc
              argv: /usr/bin/g++
              argv: (first) -fsanitize=address -fno-common -std=c++17 -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/a.d> <bin/_objs/x/a.o as -frandom-seed=%s> -c <a.cc> -o <bin/_objs/x/a.o>
              inputs: a.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/a.d
            CppCompile -> bin/_objs/x/b.o bin/_objs/x/b.d
              progress: Compiling s/b.c
              argv: /usr/bin/gcc
              argv: (first) -fsanitize=address -fno-common -iquote . -iquote bin (last)
              argv: -MD -MF <bin/_objs/x/b.d> <bin/_objs/x/b.o as -frandom-seed=%s> -c <s/b.c> -o <bin/_objs/x/b.o>
              inputs: s/b.c
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/b.d
            CppLink -> bin/x
              progress: Linking bin/x
              argv: /usr/bin/g++
              argv: -o <bin/x> (link) -fsanitize=address -static <bin/_objs/x/a.o> <bin/_objs/x/b.o> (param file @%s Shell always=false)
              inputs: bin/_objs/x/a.o bin/_objs/x/b.o
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
}
