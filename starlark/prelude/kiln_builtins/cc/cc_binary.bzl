"""`cc_binary` and `cc_test`: programs and shared libraries."""

load("//cc:attrs.bzl", "COMPILE_ATTRS", "LINK_ATTRS")
load("//cc:contexts.bzl", "linker_input", "linking_context")
load("//cc:link.bzl", "link")
load("//cc:providers.bzl", "CcInfo", "CcSharedLibraryInfo")
load(
    "//cc:target.bzl",
    "cc_infos",
    "compile_target",
    "expand_linkopts",
    "linker_scripts",
    "precompiled_libraries",
)
load("//common:programs.bzl", "PROGRAM_ATTRS", "TEST_ATTRS", "run_environment")
load("//common:runfiles.bzl", "collect_runfiles")

def _output_name(ctx):
    name = ctx.label.name
    if not ctx.attr.linkshared or name.endswith(".so") or ".so." in name:
        return name
    folder, slash, base = name.rpartition("/")
    return folder + slash + "lib" + base + ".so"

def _without_shared(context, dynamic_deps):
    """The context with what shared libraries hold taken from there."""
    if not dynamic_deps:
        return context
    shared = [target[CcSharedLibraryInfo] for target in dynamic_deps]
    for info in depset(transitive = [info.dynamic_deps for info in shared]).to_list():
        shared.append(info)
    inside = {label: None for info in shared for label in info.link_once_static_libs}
    inputs = [input for input in context.linker_inputs.to_list() if input.owner not in inside]
    return linking_context(inputs + [info.linker_input for info in shared])

def _linking(ctx, target):
    """All that is linked besides the target's own objects."""
    libraries = precompiled_libraries(target.kinds)
    own = [linker_input(owner = ctx.label, libraries = libraries)] if libraries else []
    deps = ctx.attr.deps + ([ctx.attr.malloc] if ctx.attr.malloc else [])
    context = linking_context(own, [info.linking_context for info in cc_infos(deps)])
    return _without_shared(context, ctx.attr.dynamic_deps)

def _as_if_shared(ctx):
    """What makes static linking behave as linking to shared libraries does, which is what Bazel
    does for tests without `linkstatic`: a direct dependency is there with all that it registers,
    used or not, and the first of several definitions counts.

    Returns:
      flags, and archives to link whole
    """
    if ctx.attr.linkstatic or ctx.attr.linkshared or ctx.attr.dynamic_deps:
        return [], []
    whole = [archive for info in cc_infos(ctx.attr.deps) for archive in info.linking_context.own]
    return ["-Wl,--allow-multiple-definition"], whole

def _cc_binary_impl(ctx):
    target = compile_target(ctx)
    output = ctx.actions.declare_file(_output_name(ctx))
    context = _linking(ctx, target)
    extra_flags, whole = _as_if_shared(ctx)
    shared = link(
        ctx.actions,
        target.cc,
        output,
        target.objects,
        context,
        linkopts = expand_linkopts(ctx, target.targets + ctx.attr.deps),
        additional_inputs = ctx.files.additional_linker_inputs + linker_scripts(ctx),
        shared = ctx.attr.linkshared,
        extra_flags = extra_flags,
        whole = whole,
    )
    runfiles = collect_runfiles(
        ctx,
        files = [output] + shared,
        data = ctx.attr.data,
        deps = ctx.attr.deps + ctx.attr.dynamic_deps,
    )
    providers = [
        DefaultInfo(executable = output, files = depset([output]), runfiles = runfiles),
        run_environment(ctx),
    ]
    if ctx.attr.linkshared:
        # Bazel gives a library's headers to whoever depends on it, but not the library.
        providers.append(CcInfo(compilation_context = target.context))
    return providers

_ATTRS = COMPILE_ATTRS | LINK_ATTRS | {
    "dynamic_deps": attr.label_list(
        providers = [CcSharedLibraryInfo],
        doc = "Shared libraries to link to.",
    ),
    "link_extra_lib": attr.label(providers = [CcInfo], doc = "Accepted and ignored."),
    "linkshared": attr.bool(doc = "Whether to make a shared library."),
    "linkstatic": attr.bool(default = True, doc = "As in `cc_test`."),
    "malloc": attr.label(providers = [CcInfo], doc = "The library that gives `malloc`."),
    "reexport_deps": attr.label_list(providers = [CcInfo], doc = "Accepted and ignored."),
}

cc_binary = rule(
    implementation = _cc_binary_impl,
    _machine_tools = ["cc"],
    doc = "A C++ program.",
    executable = True,
    fragments = ["cpp"],
    attrs = _ATTRS | PROGRAM_ATTRS,
)

cc_test = rule(
    implementation = _cc_binary_impl,
    _machine_tools = ["cc"],
    doc = "A C++ test.",
    test = True,
    fragments = ["cpp"],
    attrs = _ATTRS | TEST_ATTRS | {
        "linkstatic": attr.bool(
            doc = "If not, all of the direct dependencies is linked, used or not, and symbols may have several definitions.",
        ),
    },
)
