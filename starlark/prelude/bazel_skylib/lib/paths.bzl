"""Functions on paths, which are texts with `/` between parts."""

def _basename(p):
    """What follows the last `/`."""
    return p.rpartition("/")[2]

def _dirname(p):
    """What precedes the last `/`; `/` itself at the root."""
    folder, slash, _ = p.rpartition("/")
    return folder or slash

def _is_absolute(path):
    """Whether a path is absolute, for Unix or for Windows."""
    return path.startswith("/") or (len(path) > 2 and path[1] == ":")

def _join(path, *others):
    """Puts paths together; an absolute one starts anew."""
    result = path
    for other in others:
        if _is_absolute(other):
            result = other
        elif not result or result.endswith("/"):
            result += other
        else:
            result += "/" + other
    return result

def _normalize(path):
    """Removes `.`, empty parts and `x/..`."""
    if not path:
        return "."

    # POSIX: exactly two slashes at the start mean something of their own.
    slashes = 0
    if path.startswith("/"):
        slashes = 2 if path.startswith("//") and not path.startswith("///") else 1
    kept = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part != ".." or (kept and kept[-1] == "..") or (not kept and not slashes):
            kept.append(part)
        elif kept:
            kept.pop()
    return "/" * slashes + "/".join(kept) or "."

def _is_normalized(str, look_for_same_level_references = True):
    """Whether a path has no `..` (and, if asked for, no `.`) in it."""
    parts = str.split("/")
    return ".." not in parts and not (look_for_same_level_references and "." in parts)

def _relativize(path, start):
    """The path relative to `start`, in which it must lie."""
    parts = [part for part in _normalize(path).split("/") if part != "."]
    outer = [part for part in _normalize(start).split("/") if part != "."]
    if parts[:len(outer)] != outer:
        fail("path `%s` is not beneath `%s`" % (path, start))
    return "/".join(parts[len(outer):])

def _split_extension(p):
    """The path without its extension, and the extension with its dot."""
    name = _basename(p)
    stem, dot, extension = name.rpartition(".")
    if not stem.strip("."):
        return (p, "")
    return (p[:-len(dot + extension)], dot + extension)

def _replace_extension(p, new_extension):
    """The path with another extension."""
    return _split_extension(p)[0] + new_extension

def _starts_with(path_a, path_b):
    """Whether the first path is the second or lies in it."""
    if not path_b:
        return True
    a = _normalize(path_a)
    b = _normalize(path_b)
    return a == b or b == "/" or a.startswith(b + "/")

paths = struct(
    basename = _basename,
    dirname = _dirname,
    is_absolute = _is_absolute,
    is_normalized = _is_normalized,
    join = _join,
    normalize = _normalize,
    relativize = _relativize,
    replace_extension = _replace_extension,
    split_extension = _split_extension,
    starts_with = _starts_with,
)
