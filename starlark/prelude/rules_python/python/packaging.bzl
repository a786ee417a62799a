"""Wheels: loaded, never built."""

def _py_wheel_impl(ctx):
    fail("%s: kiln builds no wheels yet" % ctx.label)

_py_wheel = rule(
    implementation = _py_wheel_impl,
    doc = "A wheel: loaded, never built.",
    attrs = {"deps": attr.label_list(allow_files = True)},
)

def py_wheel(name, deps = [], tags = [], visibility = None, **_ignored):
    """A wheel. Wildcards skip it."""
    _py_wheel(name = name, deps = deps, tags = tags + ["manual"], visibility = visibility)

def py_package(name, deps = [], visibility = None, **_ignored):
    """The files of a wheel."""
    native.filegroup(name = name, srcs = deps, visibility = visibility)

py_wheel_rule = _py_wheel
