"""What the Python rules have in common."""

load("//cc:providers.bzl", "CcInfo")
load("//common:expand.bzl", "expand")
load("//common:paths.bzl", "join", "normalize")
load("//py:providers.bzl", "PyInfo")

LIBRARY_ATTRS = {
    "data": attr.label_list(allow_files = True, doc = "Files needed at run time."),
    "deps": attr.label_list(providers = [[PyInfo], [CcInfo]], doc = "Libraries."),
    "distribs": attr.string_list(doc = "Accepted and ignored."),
    "experimental_venvs_site_packages": attr.label(doc = "Accepted and ignored."),
    "imports": attr.string_list(doc = "Folders for `sys.path`, relative to the package."),
    "precompile": attr.string(doc = "Accepted and ignored."),
    "precompile_invalidation_mode": attr.string(doc = "Accepted and ignored."),
    "precompile_optimize_level": attr.int(doc = "Accepted and ignored."),
    "precompile_source_retention": attr.string(doc = "Accepted and ignored."),
    "pyi_deps": attr.label_list(doc = "Libraries that only type checkers need: ignored."),
    "pyi_srcs": attr.label_list(allow_files = [".pyi"], doc = "Type stubs."),
    "srcs": attr.label_list(allow_files = [".py", ".py3"], doc = "The sources."),
    "srcs_version": attr.string(doc = "Accepted and ignored: there is Python 3."),
}

def import_folders(ctx):
    """The folders of `imports`, from the top of the runfiles."""
    repository = ctx.label.workspace_name or "_main"
    folders = []
    for text in ctx.attr.imports:
        text = expand(ctx, "imports", text)
        if text.startswith("/"):
            fail("`imports` of %s holds the absolute path `%s`\nat: imports %s\nhint: write it relative to the folder of the BUILD file" % (ctx.label, text, text))
        folder = normalize(join(repository, ctx.label.package, text))
        if folder == ".." or folder.startswith("../"):
            fail("`imports` of %s leaves the runfiles: `%s`\nat: imports %s\nhint: name a folder of this repository" % (ctx.label, text, text))
        folders.append(folder)
    return folders

def make_py_info(ctx):
    """The target's `PyInfo`."""
    infos = [target[PyInfo] for target in ctx.attr.deps if PyInfo in target]
    sources = depset(
        ctx.files.srcs,
        transitive = [info.transitive_sources for info in infos],
        order = "postorder",
    )
    return PyInfo(
        direct_original_sources = depset(ctx.files.srcs),
        direct_pyi_files = depset(ctx.files.pyi_srcs),
        has_py3_only_sources = True,
        imports = depset(import_folders(ctx), transitive = [info.imports for info in infos]),
        transitive_original_sources = sources,
        transitive_pyi_files = depset(
            ctx.files.pyi_srcs,
            transitive = [info.transitive_pyi_files for info in infos],
        ),
        transitive_sources = sources,
        uses_shared_libraries = _uses_shared_libraries(ctx, infos),
    )

def _uses_shared_libraries(ctx, infos):
    for info in infos:
        if info.uses_shared_libraries:
            return True
    for file in ctx.files.data:
        if file.extension == "so":
            return True
    return False
