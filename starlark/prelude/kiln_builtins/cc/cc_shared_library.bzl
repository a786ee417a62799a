"""`cc_shared_library`: several libraries in one shared library."""

load("//cc:config.bzl", "cc_config")
load("//cc:contexts.bzl", "library_to_link", "linker_input", "linking_context")
load("//cc:link.bzl", "link")
load("//cc:providers.bzl", "CcInfo", "CcSharedLibraryInfo")
load("//common:expand.bzl", "expand_words")
load("//common:runfiles.bzl", "collect_runfiles")

def _is_exported(label, roots, filters):
    """Whether dependents may take a library from the shared one: the roots are, and what
    `exports_filter` names (`//p:t`, `//p:__pkg__`, `//p:__subpackages__`)."""
    if label in roots:
        return True
    package = "//" + label.package
    for text in filters:
        wanted, _, name = text.partition(":")
        if name == "__subpackages__":
            if package == wanted or package.startswith(wanted + "/") or wanted == "//":
                return True
        elif package == wanted and name in ("__pkg__", label.name):
            return True
    return False

def _libraries(ctx):
    return ctx.attr.deps + ctx.attr.roots

def _dynamic(ctx):
    """All shared libraries below this one."""
    direct = [target[CcSharedLibraryInfo] for target in ctx.attr.dynamic_deps]
    return depset(direct, transitive = [info.dynamic_deps for info in direct])

def _partition(ctx, dynamic):
    """The linker inputs that go into this library, and those that shared libraries below hold."""
    elsewhere = {}
    for info in dynamic.to_list():
        for label in info.link_once_static_libs:
            elsewhere[label] = None
    contexts = [target[CcInfo].linking_context for target in _libraries(ctx)]
    inputs = linking_context([], contexts).linker_inputs.to_list()
    return [input for input in inputs if input.owner not in elsewhere]

def _always(input):
    """The same input with all of its static libraries linked whole: others look for them here."""
    return linker_input(
        owner = input.owner,
        libraries = [
            library_to_link(
                static_library = library.static_library,
                dynamic_library = library.dynamic_library,
                interface_library = library.interface_library,
                objects = library.objects,
                alwayslink = True,
            )
            for library in input.libraries
        ],
        user_link_flags = input.user_link_flags,
        additional_inputs = input.additional_inputs,
    )

def _cc_shared_library_impl(ctx):
    cc = cc_config(ctx)
    dynamic = _dynamic(ctx)
    inputs = _partition(ctx, dynamic)
    roots = [target.label for target in _libraries(ctx)]
    exports = [
        input.owner
        for input in inputs
        if _is_exported(input.owner, roots, ctx.attr.exports_filter)
    ]
    context = linking_context(
        [_always(input) if input.owner in exports else input for input in inputs] +
        [info.linker_input for info in dynamic.to_list()],
    )
    output = ctx.actions.declare_file(ctx.attr.shared_lib_name or "lib%s.so" % ctx.label.name)
    needed = link(
        ctx.actions,
        cc,
        output,
        [],
        context,
        linkopts = expand_words(
            ctx,
            "user_link_flags",
            ctx.attr.user_link_flags,
            ctx.attr.additional_linker_inputs,
        ),
        additional_inputs = ctx.files.additional_linker_inputs,
        shared = True,
    )
    return [
        DefaultInfo(
            files = depset([output]),
            runfiles = collect_runfiles(
                ctx,
                [output] + needed,
                deps = _libraries(ctx) + ctx.attr.dynamic_deps,
            ),
        ),
        CcSharedLibraryInfo(
            dynamic_deps = dynamic,
            exports = [str(label) for label in exports],
            link_once_static_libs = [input.owner for input in inputs],
            linker_input = linker_input(
                owner = ctx.label,
                libraries = [library_to_link(dynamic_library = output)],
            ),
        ),
        OutputGroupInfo(main_shared_library_output = depset([output])),
    ]

cc_shared_library = rule(
    implementation = _cc_shared_library_impl,
    _machine_tools = ["cc"],
    doc = "A shared library of several C++ libraries.",
    fragments = ["cpp"],
    attrs = {
        "additional_linker_inputs": attr.label_list(
            allow_files = True,
            doc = "Files that `user_link_flags` names.",
        ),
        "deps": attr.label_list(providers = [CcInfo], doc = "The libraries: linked whole."),
        "dynamic_deps": attr.label_list(
            providers = [CcSharedLibraryInfo],
            doc = "Shared libraries to link to; what they hold is not linked again.",
        ),
        "experimental_disable_topo_sort_do_not_use_remove_before_7_0": attr.bool(
            doc = "Accepted and ignored.",
        ),
        "exports_filter": attr.string_list(
            doc = "Which dependencies of `deps` are linked whole too.",
        ),
        "roots": attr.label_list(providers = [CcInfo], doc = "An older name of `deps`."),
        "shared_lib_name": attr.string(doc = "The file's name; `lib<name>.so` if not given."),
        "static_deps": attr.string_list(doc = "Accepted and ignored."),
        "user_link_flags": attr.string_list(doc = "Flags for linking."),
        "win_def_file": attr.label(allow_single_file = [".def"], doc = "For Windows: ignored."),
    },
)
