"""`select_file`: one file of several."""

def _select_file_impl(ctx):
    subpath = ctx.attr.subpath
    if not subpath:
        fail("`subpath` of %s is empty" % ctx.label)
    fits = [
        file
        for file in ctx.files.srcs
        if file.path == subpath or file.path.endswith("/" + subpath)
    ]
    if len(fits) != 1:
        fail("`subpath` of %s, which is `%s`, fits %d files of [%s]" % (
            ctx.label,
            subpath,
            len(fits),
            ", ".join([file.path for file in ctx.files.srcs]),
        ))
    files = depset(fits)
    return [DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files))]

select_file = rule(
    implementation = _select_file_impl,
    doc = "One file of several.",
    attrs = {
        "srcs": attr.label(allow_files = True, mandatory = True, doc = "The target that has them."),
        "subpath": attr.string(mandatory = True, doc = "How the file's path ends."),
    },
)
