"""Attributes that several C++ rules share."""

load("//cc:providers.bzl", "CcInfo")
load("//cc:sources.bzl", "LINKER_SCRIPT_EXTENSIONS")

COMPILE_ATTRS = {
    "additional_compiler_inputs": attr.label_list(
        allow_files = True,
        doc = "Other files that compilations read (`copts` may name them).",
    ),
    "conlyopts": attr.string_list(doc = "Flags for C sources."),
    "copts": attr.string_list(doc = "Flags for all sources: shell words, after make variables."),
    "cxxopts": attr.string_list(doc = "Flags for C++ sources."),
    "data": attr.label_list(allow_files = True, doc = "Files needed at run time."),
    "defines": attr.string_list(doc = "Definitions for this target and all that depend on it."),
    "deps": attr.label_list(
        allow_files = LINKER_SCRIPT_EXTENSIONS,
        providers = [CcInfo],
        doc = "Libraries.",
    ),
    "hdrs_check": attr.string(doc = "Accepted and ignored: inclusions are always checked."),
    "includes": attr.string_list(doc = "Folders to search, here and in dependents (`-isystem`)."),
    "local_defines": attr.string_list(doc = "Definitions for this target only."),
    "module_interfaces": attr.label_list(
        allow_files = True,
        doc = "C++20 modules: not supported yet.",
    ),
    "nocopts": attr.string(doc = "Accepted and ignored, as in Bazel."),
    "srcs": attr.label_list(
        # What is no source is found when sources are sorted: `libx.so.1` has no fixed ending.
        allow_files = True,
        doc = "Sources, private headers, objects and libraries.",
    ),
}

LINK_ATTRS = {
    "additional_linker_inputs": attr.label_list(
        allow_files = True,
        doc = "Files that `linkopts` names.",
    ),
    "linkopts": attr.string_list(doc = "Flags for linking: shell words, after make variables."),
    "stamp": attr.int(default = -1, doc = "Accepted and ignored."),
    "win_def_file": attr.label(allow_single_file = [".def"], doc = "For Windows: ignored."),
}

HEADER_ATTRS = {
    "hdrs": attr.label_list(allow_files = True, doc = "Headers that dependents include."),
    "include_prefix": attr.string(doc = "What dependents write before the paths of headers."),
    "strip_include_prefix": attr.string(
        doc = "The folder that dependents leave out: of the package, or `/` of the repository.",
    ),
}
