"""A rule that counts the lines of its sources and those of its dependencies."""

LinesInfo = provider("Files with counts.", fields = {"counts": "depset of files"})

def _lines_impl(ctx):
    own = ctx.actions.declare_file(ctx.label.name + ".count")
    ctx.actions.run_shell(
        outputs = [own],
        inputs = ctx.files.srcs,
        command = "cat \"$@\" | wc -l > " + own.path,
        arguments = [file.path for file in ctx.files.srcs],
        mnemonic = "CountLines",
    )
    counts = depset([own], transitive = [dep[LinesInfo].counts for dep in ctx.attr.deps])
    total = ctx.actions.declare_file(ctx.label.name + ".total")
    args = ctx.actions.args()
    args.add(total)
    args.add_all(counts)
    ctx.actions.run_shell(
        outputs = [total],
        inputs = counts,
        command = "out=$1; shift; cat \"$@\" | awk '{ n += $1 } END { print n }' > \"$out\"",
        arguments = [args],
        mnemonic = "AddLines",
    )
    return [DefaultInfo(files = depset([total])), LinesInfo(counts = counts)]

lines = rule(
    implementation = _lines_impl,
    attrs = {
        "deps": attr.label_list(providers = [LinesInfo]),
        "srcs": attr.label_list(allow_files = [".txt"]),
    },
)

def lines_test(name, of, total):
    """Tests that a `lines` target has so many in all."""
    native.sh_test(
        name = name,
        srcs = ["lines_test.sh"],
        args = ["$(location %s)" % of, str(total)],
        data = [of],
    )
