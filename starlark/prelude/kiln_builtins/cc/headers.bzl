"""Where a target's headers are found: `includes`, `strip_include_prefix`, `include_prefix`."""

load("//common:paths.bzl", "join", "normalize", "repository_path", "strip_folder")

def include_folders(cc, includes):
    """The folders of `includes`, as sources and as made files."""
    folders = []
    for include in includes:
        if include.startswith("/"):
            fail("`includes` of %s holds the absolute path `%s`\nat: includes %s\nhint: write it relative to the folder of the BUILD file" % (cc.label, include, include))
        folder = normalize(join(cc.label.package, include))
        if folder == ".." or folder.startswith("../"):
            fail("`includes` of %s leaves its repository: `%s`\nat: includes %s\nhint: name a folder of this repository" % (cc.label, include, include))
        inner = "" if folder == "." else folder
        folders.append(join(cc.root, inner) or ".")
        folders.append(join(cc.bin, inner))
    return folders

def _prefix(cc, strip_include_prefix):
    """The folder, relative to the repository, that headers lose."""
    if not strip_include_prefix:
        return ""
    if strip_include_prefix.startswith("/"):
        return normalize(strip_include_prefix.lstrip("/"))
    return normalize(join(cc.label.package, strip_include_prefix))

def virtual_headers(actions, cc, name, headers, strip_include_prefix, include_prefix):
    """Headers under the paths that dependents write.

    Args:
      actions: where to declare the links
      cc: the configuration
      name: of the target
      headers: its public headers
      strip_include_prefix: the attribute, or `None`
      include_prefix: the attribute, or `None`

    Returns:
      the links, and the folder to search, in a list; nothing of both if headers stay as they are
    """
    if not strip_include_prefix and not include_prefix:
        return [], []
    if include_prefix and include_prefix.startswith("/"):
        fail("`include_prefix` of %s must be relative: `%s`\nat: include_prefix\nhint: drop the slash at the beginning" % (cc.label, include_prefix))
    prefix = _prefix(cc, strip_include_prefix)
    folder = "_virtual_includes/" + name
    links = []
    for header in headers:
        path = strip_folder(repository_path(header), prefix)
        if path == None:
            fail("header `%s` of %s is not below `strip_include_prefix`, which is `%s`\nat: strip_include_prefix\nhint: name a folder that all headers of the target are in" % (
                repository_path(header),
                cc.label,
                prefix,
            ))
        link = actions.declare_file(join(folder, normalize(join(include_prefix, path))))
        actions.symlink(output = link, target_file = header)
        links.append(link)
    return links, [join(cc.bin, cc.label.package, folder)] if links else []
