"""`cc_import`: libraries that are there already."""

load("//cc:config.bzl", "cc_config")
load(
    "//cc:contexts.bzl",
    "compilation_context",
    "extend_compilation",
    "library_to_link",
    "linker_input",
    "linking_context",
)
load("//cc:headers.bzl", "include_folders", "virtual_headers")
load("//cc:providers.bzl", "CcInfo")
load("//cc:sources.bzl", "ARCHIVE_EXTENSIONS")
load("//cc:target.bzl", "cc_infos")
load("//common:expand.bzl", "expand_words")
load("//common:runfiles.bzl", "collect_runfiles")

def _check(ctx):
    static = ctx.file.static_library or ctx.file.pic_static_library
    if ctx.attr.system_provided and ctx.file.shared_library:
        fail("%s: `shared_library` must not be given with `system_provided`\nat: shared_library\nhint: drop one of the two" % ctx.label)
    if ctx.file.interface_library and not ctx.file.shared_library and not ctx.attr.system_provided:
        fail("%s: `interface_library` needs `shared_library` or `system_provided`\nat: interface_library\nhint: add one of the two" % ctx.label)
    if ctx.attr.alwayslink and not static and not ctx.files.objects:
        fail("%s: `alwayslink` needs a static library\nat: alwayslink\nhint: add `static_library`, or drop `alwayslink`" % ctx.label)

def _libraries(ctx):
    static = ctx.file.pic_static_library or ctx.file.static_library
    shared = ctx.file.shared_library
    if not static and not shared and not ctx.file.interface_library and not ctx.files.objects:
        return []
    return [library_to_link(
        static_library = static,
        dynamic_library = shared,
        interface_library = ctx.file.interface_library,
        objects = ctx.files.objects,
        alwayslink = ctx.attr.alwayslink,
    )]

def _compilation(ctx, cc):
    links, folders = virtual_headers(
        ctx.actions,
        cc,
        ctx.label.name,
        ctx.files.hdrs,
        ctx.attr.strip_include_prefix,
        ctx.attr.include_prefix,
    )
    own = compilation_context(
        headers = depset(ctx.files.hdrs + links),
        public_headers = ctx.files.hdrs + links,
        includes = folders,
        quote_includes = cc.quotes,
        system_includes = include_folders(cc, ctx.attr.includes),
        defines = expand_words(ctx, "defines", ctx.attr.defines),
    )
    return extend_compilation(own, [info.compilation_context for info in cc_infos(ctx.attr.deps)])

def _cc_import_impl(ctx):
    _check(ctx)
    cc = cc_config(ctx)
    libraries = _libraries(ctx)
    linkopts = expand_words(ctx, "linkopts", ctx.attr.linkopts, ctx.attr.deps)
    inputs = []
    if libraries or linkopts:
        inputs = [linker_input(
            owner = ctx.label,
            libraries = libraries,
            user_link_flags = linkopts,
        )]
    files = [
        library.static_library or library.dynamic_library or library.interface_library
        for library in libraries
    ]
    shared = [ctx.file.shared_library] if ctx.file.shared_library else []
    return [
        DefaultInfo(
            files = depset([file for file in files if file]),
            runfiles = collect_runfiles(ctx, shared, ctx.attr.data, ctx.attr.deps),
        ),
        CcInfo(
            compilation_context = _compilation(ctx, cc),
            linking_context = linking_context(
                inputs,
                [info.linking_context for info in cc_infos(ctx.attr.deps)],
            ),
        ),
    ]

cc_import = rule(
    implementation = _cc_import_impl,
    _machine_tools = ["cc"],
    doc = "A C++ library that is there already.",
    fragments = ["cpp"],
    provides = [CcInfo],
    attrs = {
        "alwayslink": attr.bool(doc = "Whether all of the static library is linked."),
        "data": attr.label_list(allow_files = True, doc = "Files needed at run time."),
        "defines": attr.string_list(doc = "Definitions for all that depend on it."),
        "deps": attr.label_list(providers = [CcInfo], doc = "Libraries it needs."),
        "hdrs": attr.label_list(allow_files = True, doc = "Its headers."),
        "include_prefix": attr.string(doc = "As in `cc_library`."),
        "includes": attr.string_list(doc = "Folders that dependents search."),
        "interface_library": attr.label(
            allow_single_file = [".ifso", ".tbd", ".lib", ".so", ".dylib"],
            doc = "What to link to instead of the shared library.",
        ),
        "linkopts": attr.string_list(doc = "Flags for linking."),
        "objects": attr.label_list(allow_files = [".o", ".obj"], doc = "Objects."),
        "pic_objects": attr.label_list(allow_files = [".o", ".obj"], doc = "Accepted and ignored."),
        "pic_static_library": attr.label(
            allow_single_file = ARCHIVE_EXTENSIONS,
            doc = "The static library, preferred to `static_library`.",
        ),
        "shared_library": attr.label(allow_single_file = True, doc = "The shared library."),
        "static_library": attr.label(
            allow_single_file = ARCHIVE_EXTENSIONS,
            doc = "The static library.",
        ),
        "strip_include_prefix": attr.string(doc = "As in `cc_library`."),
        "system_provided": attr.bool(
            doc = "Whether the shared library is found on the machine at run time.",
        ),
    },
)
