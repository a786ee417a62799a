"""`objc_library` and `objc_import`: loaded, never built.

Many repositories declare them for Apple platforms only, where they are skipped.
"""

load("//cc:providers.bzl", "CcInfo")

def _objc_impl(ctx):
    fail("%s needs Objective-C, which kiln does not build\nhint: `target_compatible_with = [\"@platforms//os:macos\"]` skips it" % ctx.label)

_LISTS = [
    "archives",
    "data",
    "deps",
    "hdrs",
    "implementation_deps",
    "non_arc_srcs",
    "srcs",
    "textual_hdrs",
]

_STRING_LISTS = [
    "conlyopts",
    "copts",
    "cxxopts",
    "defines",
    "includes",
    "linkopts",
    "local_defines",
    "sdk_dylibs",
    "sdk_frameworks",
    "sdk_includes",
    "weak_sdk_frameworks",
]

_ATTRS = (
    {name: attr.label_list(allow_files = True) for name in _LISTS} |
    {name: attr.string_list() for name in _STRING_LISTS} |
    {name: attr.bool() for name in ["alwayslink", "enable_modules", "linkstatic"]} |
    {name: attr.string() for name in ["include_prefix", "module_name", "strip_include_prefix"]} |
    {name: attr.label(allow_files = True) for name in ["module_map", "pch"]}
)

objc_library = rule(
    implementation = _objc_impl,
    doc = "Objective-C: loaded, never built.",
    provides = [CcInfo],
    attrs = _ATTRS,
)

objc_import = rule(
    implementation = _objc_impl,
    doc = "Objective-C: loaded, never built.",
    provides = [CcInfo],
    attrs = _ATTRS,
)
