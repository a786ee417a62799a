"""The flags that every compilation and linking gets: what Bazel's toolchain for Unix sets."""

# Flags that not all compilers take; those are passed that the toolchain was found to take. The
# list of flags to try is `PROBED_CC_FLAGS` in starlark/bazel/src/prelude.rs.
_OPTIONAL = {
    "clang": ["-Wthread-safety", "-Wself-assign", "-Wunused-but-set-parameter"],
    "gcc": ["-Wunused-but-set-parameter", "-Wno-free-nonheap-object"],
}

_BY_MODE = {
    "dbg": ["-g"],
    "fastbuild": [],
    "opt": [
        "-g0",
        "-O2",
        "-D_FORTIFY_SOURCE=1",
        "-DNDEBUG",
        "-ffunction-sections",
        "-fdata-sections",
    ],
}

# After the user's: they keep results independent of where and when they were made.
_REPRODUCIBLE = [
    "-Wno-builtin-macro-redefined",
    "-D__DATE__=\"redacted\"",
    "-D__TIMESTAMP__=\"redacted\"",
    "-D__TIME__=\"redacted\"",
]

# Features that add flags: for compilations, and for linking.
_FEATURES = {
    "asan": (["-fsanitize=address", "-fno-common"], ["-fsanitize=address"]),
    "fully_static_link": ([], ["-static"]),
    "treat_warnings_as_errors": (["-Werror"], ["-Wl,-fatal-warnings"]),
    "tsan": (["-fsanitize=thread"], ["-fsanitize=thread"]),
    "ubsan": (["-fsanitize=undefined"], ["-fsanitize=undefined"]),
}

_PREFIXES = ["-no-canonical-prefixes", "-fno-canonical-system-headers"]

def _supported(tools, flags):
    return [flag for flag in flags if flag in tools.supported_flags]

def feature_flags(features, disabled_features):
    """What features ask for: flags for compilations, and flags for linking."""
    compiling = []
    linking = []
    for feature in features:
        if feature in _FEATURES and feature not in disabled_features:
            compiling += _FEATURES[feature][0]
            linking += _FEATURES[feature][1]
    return compiling, linking

def default_compile_flags(tools, mode):
    """What comes first."""
    return (
        ["-U_FORTIFY_SOURCE", "-fstack-protector", "-Wall"] +
        _supported(tools, _OPTIONAL.get(tools.compiler, [])) +
        ["-fno-omit-frame-pointer"] +
        _BY_MODE[mode] +
        ["-fPIC"]
    )

def final_compile_flags(tools):
    """What comes last, where nothing overrides it."""
    return _supported(tools, _PREFIXES) + _REPRODUCIBLE

def language_flags(kind):
    """What is for one language only."""
    return ["-std=c++17"] if kind == "cxx" else []

def default_link_flags(tools, mode, strip):
    """What programs and shared libraries are linked with.

    Args:
      tools: the compiler
      mode: the compilation mode
      strip: `--strip`
    """
    flags = ["-fuse-ld=" + tools.linker] if tools.linker else []
    flags += ["-Wl,-no-as-needed", "-Wl,-z,relro,-z,now"]
    if tools.compiler == "gcc":
        flags.append("-pass-exit-codes")
    if mode == "opt":
        flags.append("-Wl,--gc-sections")
    if strip == "always" or (strip == "sometimes" and mode == "fastbuild"):
        flags.append("-Wl,-S")
    return flags
