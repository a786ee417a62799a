"""`py_proto_library`: loaded, never built. The rule is part of protobuf."""

load("@kiln_builtins//py:providers.bzl", "PyInfo")

def _py_proto_library_impl(ctx):
    fail("%s: this `py_proto_library` is a name only\nhint: load it from `@protobuf//bazel:py_proto_library.bzl`" % ctx.label)

py_proto_library = rule(
    implementation = _py_proto_library_impl,
    doc = "The rule is part of protobuf: this one loads, and fails when it is analyzed.",
    provides = [PyInfo],
    attrs = {"deps": attr.label_list()},
)
