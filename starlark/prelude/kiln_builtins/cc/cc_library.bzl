"""`cc_library`: sources and headers that others link to."""

load("//cc:attrs.bzl", "COMPILE_ATTRS", "HEADER_ATTRS", "LINK_ATTRS")
load("//cc:contexts.bzl", "library_to_link", "linking_context")
load("//cc:link.bzl", "archive")
load("//cc:providers.bzl", "CcInfo")
load("//cc:target.bzl", "cc_infos", "compile_target", "own_linker_input", "precompiled_libraries")
load("//common:runfiles.bzl", "collect_runfiles")

def _archive_name(ctx):
    folder, slash, base = ctx.label.name.rpartition("/")
    return folder + slash + "lib" + base + (".lo" if ctx.attr.alwayslink else ".a")

def _cc_library_impl(ctx):
    target = compile_target(ctx)
    libraries = precompiled_libraries(target.kinds)
    files = [library.static_library or library.dynamic_library for library in libraries]
    archives = []
    if target.objects:
        output = ctx.actions.declare_file(_archive_name(ctx))
        archive(ctx.actions, target.cc, output, target.objects)
        archives = [output]
        libraries = [library_to_link(
            static_library = output,
            objects = target.objects,
            alwayslink = ctx.attr.alwayslink,
        )] + libraries
    inner = cc_infos(ctx.attr.implementation_deps)
    linking = linking_context(
        own_linker_input(ctx, target, libraries),
        [info.linking_context for info in cc_infos(ctx.attr.deps) + inner],
    )
    return [
        DefaultInfo(
            files = depset(archives + files),
            runfiles = collect_runfiles(
                ctx,
                files = target.kinds.get("shared", []),
                data = ctx.attr.data,
                deps = ctx.attr.deps + ctx.attr.implementation_deps,
            ),
        ),
        CcInfo(compilation_context = target.context, linking_context = linking),
        OutputGroupInfo(archive = depset(archives)),
    ]

cc_library = rule(
    implementation = _cc_library_impl,
    _machine_tools = ["cc"],
    doc = "A C++ library.",
    fragments = ["cpp"],
    provides = [CcInfo],
    attrs = COMPILE_ATTRS | HEADER_ATTRS | LINK_ATTRS | {
        "alwayslink": attr.bool(doc = "Whether all of it is linked, used or not."),
        "implementation_deps": attr.label_list(
            providers = [CcInfo],
            doc = "Libraries whose headers dependents don't see.",
        ),
        "linkstamp": attr.label(
            allow_single_file = True,
            doc = "Accepted and ignored: nothing is stamped.",
        ),
        "linkstatic": attr.bool(doc = "Accepted: libraries are always linked statically."),
        "textual_hdrs": attr.label_list(
            allow_files = True,
            doc = "Headers that cannot be compiled alone.",
        ),
    },
)
