"""Helpers of module extensions, which kiln does not run: they can be made, not used."""

def _as_extension(macro, doc = None):
    """A module extension that calls a macro."""

    def _run(_module_ctx):
        macro()

    return module_extension(implementation = _run, doc = doc)

def _use_all_repos(module_ctx, reproducible = False):
    """What an extension returns to have all of its repositories used."""
    return module_ctx.extension_metadata(
        root_module_direct_deps = "all",
        root_module_direct_dev_deps = [],
    )

def _apparent_repo_name(label_or_name):
    """The name by which a repository is called, from a label or a canonical name."""
    name = label_or_name if type(label_or_name) == "string" else label_or_name.workspace_name
    name = name.lstrip("@")
    for separator in ("+", "~", "!"):
        name = name.rpartition(separator)[2] or name
    return name

modules = struct(
    apparent_repo_name = _apparent_repo_name,
    as_extension = _as_extension,
    use_all_repos = _use_all_repos,
)
