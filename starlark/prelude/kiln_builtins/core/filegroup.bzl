"""`filegroup`: files under one name."""

load("//common:runfiles.bzl", "collect_runfiles")

def _files(ctx):
    group = ctx.attr.output_group
    if not group:
        return depset(transitive = [target[DefaultInfo].files for target in ctx.attr.srcs])
    sets = []
    for target in ctx.attr.srcs:
        if OutputGroupInfo in target and group in target[OutputGroupInfo]:
            sets.append(target[OutputGroupInfo][group])
    return depset(transitive = sets)

def _filegroup_impl(ctx):
    files = _files(ctx)
    runfiles = collect_runfiles(ctx, data = ctx.attr.data, deps = ctx.attr.srcs)
    return [DefaultInfo(
        files = files,
        default_runfiles = runfiles,
        # Whoever has the group in `data` gets its files too.
        data_runfiles = runfiles.merge(ctx.runfiles(transitive_files = files)),
    )]

filegroup = rule(
    implementation = _filegroup_impl,
    doc = "Files under one name.",
    attrs = {
        "data": attr.label_list(allow_files = True, doc = "Files needed at run time."),
        "output_group": attr.string(doc = "Take this output group of `srcs` instead of their files."),
        "output_licenses": attr.string_list(doc = "Accepted and ignored."),
        "path": attr.string(doc = "Accepted and ignored."),
        "srcs": attr.label_list(allow_files = True, doc = "The files."),
    },
)
