"""What `cc_library`, `cc_binary` and `cc_test` have in common: reading attributes, compiling."""

load("//cc:compile.bzl", "compile_all", "compile_options")
load("//cc:config.bzl", "cc_config", "is_enabled")
load(
    "//cc:contexts.bzl",
    "compilation_context",
    "extend_compilation",
    "library_to_link",
    "linker_input",
)
load("//cc:headers.bzl", "include_folders", "virtual_headers")
load("//cc:providers.bzl", "CcInfo")
load("//cc:sources.bzl", "check_sources", "sort_sources", "to_compile")
load("//common:expand.bzl", "expand", "expand_words")

def cc_infos(targets):
    """The `CcInfo` of those targets that have one (linker scripts in `deps` have none)."""
    return [target[CcInfo] for target in targets if CcInfo in target]

def _words(ctx, cc, attribute, targets):
    texts = getattr(ctx.attr, attribute)
    if not texts:
        return []
    if is_enabled(cc, "no_copts_tokenization"):
        return [expand(ctx, attribute, text, targets) for text in texts]
    return expand_words(ctx, attribute, texts, targets)

def _defines(ctx, attribute, targets):
    defines = []
    for text in getattr(ctx.attr, attribute):
        words = ctx.tokenize(expand(ctx, attribute, text, targets))
        if len(words) != 1:
            fail("`%s` of %s must hold one shell word an item; `%s` is %d\nat: %s %s\nhint: quote blanks for the shell, or make each word an item" % (
                attribute,
                ctx.label,
                text,
                len(words),
                attribute,
                text,
            ))
        defines += words
    return defines

# Targets that depend on these are told which repository they are in: names of repositories in
# paths of runfiles depend on it.
_RUNFILES_LIBRARIES = [
    Label("@bazel_tools//tools/cpp/runfiles"),
    Label("@rules_cc//cc/runfiles"),
]

def _local_defines(ctx, targets):
    defines = _defines(ctx, "local_defines", targets)
    for target in ctx.attr.deps:
        if target.label in _RUNFILES_LIBRARIES:
            return defines + ["BAZEL_CURRENT_REPOSITORY=\"%s\"" % ctx.label.workspace_name]
    return defines

def _location_targets(ctx):
    targets = []
    for name in ("additional_compiler_inputs", "additional_linker_inputs", "implementation_deps"):
        targets += getattr(ctx.attr, name, None) or []
    return targets

def _own_context(ctx, cc, kinds, targets):
    """The target's own headers and flags, nothing of its dependencies."""
    hdrs = getattr(ctx.files, "hdrs", [])
    textual = getattr(ctx.files, "textual_hdrs", [])
    private = kinds.get("header", [])
    links, folders = virtual_headers(
        ctx.actions,
        cc,
        ctx.label.name,
        hdrs + textual,
        getattr(ctx.attr, "strip_include_prefix", ""),
        getattr(ctx.attr, "include_prefix", ""),
    )
    includes = [expand(ctx, "includes", include, targets) for include in ctx.attr.includes]
    direct = hdrs + textual + private + links
    return compilation_context(
        headers = depset(direct) if direct else depset(),
        public_headers = hdrs + links,
        private_headers = private,
        textual_headers = textual,
        includes = folders,
        quote_includes = cc.quotes,
        system_includes = include_folders(cc, includes) if includes else [],
        defines = _defines(ctx, "defines", targets),
        local_defines = _local_defines(ctx, targets),
    )

def compile_target(ctx):
    """Compiles the sources of a target.

    Returns:
      a structure of `cc` (the configuration), `context` (for dependents), `kinds` (the files of
      `srcs` by kind), `objects` and `targets` (whose files `linkopts` may name)
    """
    cc = cc_config(ctx)
    if getattr(ctx.attr, "module_interfaces", None):
        fail("`module_interfaces` of %s: C++20 modules are not supported\nat: module_interfaces\nhint: use headers" % ctx.label)
    targets = _location_targets(ctx)
    kinds = sort_sources(ctx.files.srcs)
    if None in kinds:
        check_sources(ctx.attr.srcs, ctx.label)
    own = _own_context(ctx, cc, kinds, targets)
    infos = cc_infos(ctx.attr.deps)
    context = extend_compilation(own, [info.compilation_context for info in infos])
    inner = cc_infos(getattr(ctx.attr, "implementation_deps", []))
    options = compile_options(
        copts = _words(ctx, cc, "copts", targets),
        conlyopts = _words(ctx, cc, "conlyopts", targets),
        cxxopts = _words(ctx, cc, "cxxopts", targets),
        additional_inputs = ctx.files.additional_compiler_inputs,
    )
    compiled = compile_all(
        ctx.actions,
        cc,
        ctx.label.name,
        to_compile(ctx.files.srcs),
        extend_compilation(context, [info.compilation_context for info in inner]),
        options,
    )
    return struct(
        cc = cc,
        context = context,
        kinds = kinds,
        objects = compiled + kinds.get("object", []),
        targets = targets,
    )

def expand_linkopts(ctx, targets):
    """The value of `linkopts` as arguments; labels in it become the paths of their files."""
    words = []
    for word in expand_words(ctx, "linkopts", ctx.attr.linkopts, targets):
        if word[0] in ":@" or word.startswith("//"):
            words += ctx.expand_location("$(execpaths %s)" % word, targets).split(" ")
        else:
            words.append(word)
    return words

def precompiled_libraries(kinds):
    """The libraries among the files of `srcs`."""
    return (
        [library_to_link(static_library = file) for file in kinds.get("archive", [])] +
        [library_to_link(static_library = file, alwayslink = True) for file in kinds.get("alwayslink", [])] +
        [library_to_link(dynamic_library = file) for file in kinds.get("shared", [])]
    )

def linker_scripts(ctx):
    """Files in `deps` that are no libraries: linker scripts, which `linkopts` may name."""
    files = []
    for target in ctx.attr.deps:
        if CcInfo not in target:
            files += target[DefaultInfo].files.to_list()
    return files

def own_linker_input(ctx, target, libraries):
    """What the target itself adds to linking; nothing, as a list, if it adds nothing."""
    flags = expand_linkopts(ctx, target.targets + ctx.attr.deps)
    files = ctx.files.additional_linker_inputs + linker_scripts(ctx)
    if not libraries and not flags and not files:
        return []
    return [linker_input(
        owner = ctx.label,
        libraries = libraries,
        user_link_flags = flags,
        additional_inputs = files,
    )]
