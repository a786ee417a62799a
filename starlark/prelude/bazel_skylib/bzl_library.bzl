"""`bzl_library`: .bzl files under one name."""

StarlarkLibraryInfo = provider(
    doc = "The .bzl files of a library.",
    fields = {
        "srcs": "Its own.",
        "transitive_srcs": "Those of dependencies too (depset).",
    },
)

def _bzl_library_impl(ctx):
    deps = ctx.attr.deps
    files = depset(
        ctx.files.srcs,
        transitive = [target[DefaultInfo].files for target in deps],
        order = "postorder",
    )
    return [
        DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files)),
        StarlarkLibraryInfo(
            srcs = ctx.files.srcs,
            transitive_srcs = depset(ctx.files.srcs, transitive = [
                target[StarlarkLibraryInfo].transitive_srcs
                for target in deps
                if StarlarkLibraryInfo in target
            ], order = "postorder"),
        ),
    ]

bzl_library = rule(
    implementation = _bzl_library_impl,
    doc = ".bzl files under one name.",
    attrs = {
        "deps": attr.label_list(
            allow_files = [".bzl", ".scl"],
            doc = "Libraries and files that the sources load.",
        ),
        "srcs": attr.label_list(allow_files = [".bzl", ".scl"], doc = "The files."),
    },
)
