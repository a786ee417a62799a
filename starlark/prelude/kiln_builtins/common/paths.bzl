"""Paths as texts."""

def join(*parts):
    """Puts the parts together that are not empty; an absolute part starts anew."""
    path = ""
    for part in parts:
        if not part:
            continue
        if part.startswith("/") or not path:
            path = part
        else:
            path = path.removesuffix("/") + "/" + part
    return path

def normalize(path):
    """Removes `.`, empty parts and `x/..`; what is left of nothing is `.`."""
    if "." not in path and "//" not in path and not path.endswith("/"):
        return path or "."
    kept = []
    for part in path.split("/"):
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    root = "/" if path.startswith("/") else ""
    return root + "/".join(kept) or "."

def dirname(path):
    """All but the last part; empty if there is only one."""
    return path.rpartition("/")[0]

def repository_path(file):
    """The path of a file within its repository (for made files: below the output folder)."""
    path = file.short_path
    return path.split("/", 2)[2] if path.startswith("../") else path

def runfiles_path(file):
    """The path of a file from the top of a runfiles tree."""
    path = file.short_path
    return path[3:] if path.startswith("../") else "_main/" + path

def strip_folder(path, folder):
    """The path relative to a folder, or `None` if it is not in it."""
    if folder in ("", "."):
        return path
    return path[len(folder) + 1:] if path.startswith(folder + "/") else None
