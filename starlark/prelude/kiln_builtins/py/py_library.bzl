"""`py_library`: Python sources that others import."""

load("//common:runfiles.bzl", "collect_runfiles")
load("//py:common.bzl", "LIBRARY_ATTRS", "make_py_info")
load("//py:providers.bzl", "PyInfo")

def _py_library_impl(ctx):
    return [
        DefaultInfo(
            files = depset(ctx.files.srcs),
            runfiles = collect_runfiles(
                ctx,
                ctx.files.srcs,
                ctx.attr.data,
                ctx.attr.srcs + ctx.attr.deps,
            ),
        ),
        make_py_info(ctx),
    ]

py_library = rule(
    implementation = _py_library_impl,
    doc = "Python sources that others import.",
    provides = [PyInfo],
    attrs = LIBRARY_ATTRS,
)
