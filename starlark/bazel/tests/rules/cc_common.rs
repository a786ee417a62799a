//! `cc_common` and `CcInfo` in rules of users.

use expect_test::expect;

use crate::world::{check_files, check_in, world};

const RULE: &str = r#"
load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _impl(ctx):
    toolchain = find_cc_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    infos = [dep[CcInfo] for dep in ctx.attr.deps]
    compilation, outputs = cc_common.compile(
        name = ctx.label.name,
        actions = ctx.actions,
        feature_configuration = features,
        cc_toolchain = toolchain,
        srcs = ctx.files.srcs,
        public_hdrs = ctx.files.hdrs,
        defines = ["MINE"],
        user_compile_flags = ["-Wmine"],
        compilation_contexts = [info.compilation_context for info in infos],
    )
    linking, linked = cc_common.create_linking_context_from_compilation_outputs(
        name = ctx.label.name,
        actions = ctx.actions,
        feature_configuration = features,
        cc_toolchain = toolchain,
        compilation_outputs = outputs,
        user_link_flags = ["-lmine"],
        linking_contexts = [info.linking_context for info in infos],
    )
    program = cc_common.link(
        name = ctx.label.name + "_program",
        actions = ctx.actions,
        feature_configuration = features,
        cc_toolchain = toolchain,
        compilation_outputs = outputs,
        linking_contexts = [info.linking_context for info in infos],
    )
    own = CcInfo(compilation_context = compilation, linking_context = linking)
    merged = cc_common.merge_cc_infos(direct_cc_infos = [own], cc_infos = infos)
    libraries = [
        library.static_library.basename
        for input in merged.linking_context.linker_inputs.to_list()
        for library in input.libraries
    ]
    flags = [flag for input in merged.linking_context.linker_inputs.to_list() for flag in input.user_link_flags]
    print(libraries, flags, merged.compilation_context.defines.to_list())
    print(cc_common.get_tool_for_action(feature_configuration = features, action_name = "c++-compile"))
    print(cc_common.is_enabled(feature_configuration = features, feature_name = "on"))
    print(toolchain.compiler, toolchain.cpu)
    return [DefaultInfo(files = depset([program.executable])), merged]

lib = rule(
    implementation = _impl,
    attrs = {
        "srcs": attr.label_list(allow_files = True),
        "hdrs": attr.label_list(allow_files = True),
        "deps": attr.label_list(providers = [CcInfo]),
    },
    fragments = ["cpp"],
    toolchains = use_cc_toolchain(),
)

def _old_impl(ctx):
    return [CcInfo(
        compilation_context = cc_common.create_compilation_context(
            headers = depset(ctx.files.hdrs),
            includes = depset(["inc"]),
            system_includes = depset(["sys"]),
            defines = depset(["OLD"]),
        ),
        linking_context = cc_common.create_linking_context(
            linker_inputs = depset([cc_common.create_linker_input(
                owner = ctx.label,
                libraries = depset([cc_common.create_library_to_link(
                    actions = ctx.actions,
                    static_library = ctx.file.library,
                    alwayslink = True,
                )]),
                user_link_flags = depset(["-lold"]),
            )]),
        ),
    )]

old = rule(
    implementation = _old_impl,
    attrs = {
        "hdrs": attr.label_list(allow_files = True),
        "library": attr.label(allow_single_file = True),
    },
)
"#;

#[test]
fn rules_compile_and_link() {
    let mut world = world(&format!(
        r#"
=== lib.bzl
{RULE}
=== BUILD
load(":lib.bzl", "lib")
lib(name = "x", srcs = ["x.cc"], hdrs = ["x.h"], deps = [":a"], features = ["on"])
cc_library(name = "a", srcs = ["a.cc"], hdrs = ["a.h"], defines = ["A"], linkopts = ["-la"])
=== x.cc x.h a.cc a.h
"#
    ));
    check_in(
        &mut world,
        "//:x",
        expect![[r#"
            files: bin/x_program
            CppCompile -> bin/_objs/x/x.o bin/_objs/x/x.d
              progress: Compiling x.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -DMINE -DA -iquote . -iquote bin -Wmine (last)
              argv: -MD -MF <bin/_objs/x/x.d> <bin/_objs/x/x.o as -frandom-seed=%s> -c <x.cc> -o <bin/_objs/x/x.o>
              inputs: x.h a.h x.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/x.d
            CppArchive -> bin/libx.a
              progress: Archiving bin/libx.a
              argv: /usr/bin/ar
              argv: rcsD <bin/libx.a> <bin/_objs/x/x.o> (param file @%s Shell always=false)
              inputs: bin/_objs/x/x.o
              env: default
            CppLink -> bin/x_program
              progress: Linking bin/x_program
              argv: /usr/bin/g++
              argv: -o <bin/x_program> (link) <bin/_objs/x/x.o> [bin/liba.a] -la (param file @%s Shell always=false)
              inputs: bin/liba.a bin/_objs/x/x.o
              env: PWD=/proc/self/cwd
              env: default
            prints: ["libx.a", "liba.a"] ["-lmine", "-la"] ["MINE", "A"]
            prints: /usr/bin/g++
            prints: True
            prints: gcc k8
        "#]],
    );
}

#[test]
fn rules_make_contexts_by_hand() {
    check_files(
        &format!(
            r#"
=== lib.bzl
{RULE}
=== BUILD
load(":lib.bzl", "old")
old(name = "o", hdrs = ["o.h"], library = "libo.a")
cc_binary(name = "x", srcs = ["x.cc"], deps = [":o"])
=== x.cc o.h libo.a
"#
        ),
        "//:x",
        expect![[r#"
            files: bin/x
            executable: bin/x
            runfiles: _main/x
            data runfiles: _main/x
            CppCompile -> bin/_objs/x/x.o bin/_objs/x/x.d
              progress: Compiling x.cc
              argv: /usr/bin/g++
              argv: (first) -std=c++17 -DOLD -iquote . -iquote bin -Iinc -isystem sys (last)
              argv: -MD -MF <bin/_objs/x/x.d> <bin/_objs/x/x.o as -frandom-seed=%s> -c <x.cc> -o <bin/_objs/x/x.o>
              inputs: o.h x.cc
              env: PWD=/proc/self/cwd
              env: default
              dependency file: bin/_objs/x/x.d
            CppLink -> bin/x
              progress: Linking bin/x
              argv: /usr/bin/g++
              argv: -o <bin/x> (link) <bin/_objs/x/x.o> -Wl,--whole-archive [libo.a] -Wl,--no-whole-archive -lold (param file @%s Shell always=false)
              inputs: libo.a bin/_objs/x/x.o
              env: PWD=/proc/self/cwd
              env: default
        "#]],
    );
}

#[test]
fn a_rule_without_a_toolchain() {
    let mut world = world(&format!(
        "=== lib.bzl\n{RULE}\n=== BUILD\nload(':lib.bzl', 'lib')\nlib(name = 'x')"
    ));
    world.toolchains.clear();
    check_in(
        &mut world,
        "//:x",
        expect![[r#"
        error: @@//:x has no C++ toolchain
          --> external/rules_cc/cc/find_cc_toolchain.bzl:26:9
            |
         26 |         fail("%s has no C++ toolchain\nhint: give its rule `toolchains = use_cc_toolchain()`" % ctx.label)
            |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `find_cc_toolchain` was called from lib.bzl:7:17
           = in `//:x` (lib, declared at BUILD:2:1)
        hint: give its rule `toolchains = use_cc_toolchain()`
    "#]],
    );
}

#[test]
fn providers_are_globals_of_bzl_files() {
    check_files(
        r#"
=== d.bzl
def _impl(ctx):
    print(CcInfo, cc_common.is_enabled, PyInfo)
    return [CcInfo()]

r = rule(_impl, provides = [CcInfo])
=== BUILD
load(":d.bzl", "r")
r(name = "x")
"#,
        "//:x",
        expect![[r#"
            prints: <provider CcInfo> external/kiln_builtins/cc/cc_common.bzl._is_enabled <provider PyInfo>
        "#]],
    );
}
