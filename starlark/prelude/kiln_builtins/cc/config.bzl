"""What compiling and linking need to know of a target, its configuration and the machine."""

load(
    "//cc:flags.bzl",
    "default_compile_flags",
    "default_link_flags",
    "feature_flags",
    "final_compile_flags",
)
load("//common:paths.bzl", "join")

def require_tools(tools, label):
    """The compiler, or an error that says how to get one."""
    if not tools:
        fail("%s needs a C++ compiler, and there is no `gcc` or `clang` where it is looked for\nhint: install one, on Debian: `apt install g++`, or say in which folder it is: `--cc_executable_search_paths`" % label)
    return tools

def cc_config(ctx, tools = None, features = None, disabled_features = None):
    """Gathers it.

    Args:
      ctx: the rule's context
      tools: the compiler; the machine's if not given
      features: features asked for; the target's if not given
      disabled_features: features refused; the target's if not given
    """
    cpp = ctx.fragments.cpp
    tools = require_tools(tools or ctx.machine_tools.cc, ctx.label)
    mode = ctx.var["COMPILATION_MODE"]
    root = ctx.label.workspace_root
    bin = ctx.bin_dir.path
    if features == None:
        features = ctx.features
    if disabled_features == None:
        disabled_features = ctx.disabled_features
    compiling, linking = feature_flags(features, disabled_features)
    return struct(
        bin = join(bin, root),
        compile_flags = default_compile_flags(tools, mode) + compiling,
        conlyopts = cpp.conlyopts,
        copts = cpp.copts,
        cxxopts = cpp.cxxopts,
        disabled_features = disabled_features,
        features = features,
        final_flags = final_compile_flags(tools),
        label = ctx.label,
        link_flags = default_link_flags(tools, mode, getattr(cpp, "strip", "sometimes")) + linking,
        linkopts = cpp.linkopts,
        mode = mode,
        per_file_copts = [_per_file(option) for option in getattr(cpp, "per_file_copts", [])],
        # Where quoted inclusions are looked for: the repository and its output folder.
        quotes = [root or ".", join(bin, root)],
        root = root,
        tools = tools,
    )

def is_enabled(cc, feature):
    """Whether a feature is asked for and not refused."""
    return feature in cc.features and feature not in cc.disabled_features

def _per_file(option):
    """`+x,-y@a,b` as what to look for in names, what must not be in them, and the flags.

    Patterns are taken as plain texts with `.*` for anything: there are no regular expressions in
    Starlark.
    """
    patterns, _, flags = option.partition("@")
    wanted = []
    unwanted = []
    for pattern in patterns.split(","):
        if pattern.startswith("-"):
            unwanted.append(_pattern(pattern[1:]))
        else:
            wanted.append(_pattern(pattern.removeprefix("+")))
    protected = flags.replace("\\,", "\0").split(",")
    return struct(
        flags = [flag.replace("\0", ",") for flag in protected if flag],
        unwanted = unwanted,
        wanted = wanted,
    )

def _pattern(text):
    return struct(
        at_end = text.endswith("$"),
        at_start = text.startswith("^"),
        parts = text.removeprefix("^").removesuffix("$").replace("\\.", ".").split(".*"),
    )

def _fits(pattern, name):
    """Whether the parts of a pattern occur in the name one after the other."""
    parts = pattern.parts
    if pattern.at_start and not name.startswith(parts[0]):
        return False
    if pattern.at_end and not name.endswith(parts[-1]):
        return False
    at = 0
    for part in parts:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True

def per_file_flags(cc, file):
    """The flags of `--per_file_copt` for a file, which is named by its path or its label."""
    flags = []
    for option in cc.per_file_copts:
        names = [file.path, str(file.owner)]
        wanted = [name for name in names for pattern in option.wanted if _fits(pattern, name)]
        unwanted = [name for name in names for pattern in option.unwanted if _fits(pattern, name)]
        if wanted and not unwanted:
            flags += option.flags
    return flags
