"""Packages below the one that is loaded."""

def _supported():
    """Whether they can be listed: yes."""
    return True

def _all(exclude = [], allow_empty = False, fully_qualified = True):
    """All of them, as labels or as paths."""
    found = native.subpackages(include = ["**"], exclude = exclude, allow_empty = allow_empty)
    if not fully_qualified:
        return found
    package = native.package_name()
    return ["//" + "/".join([part for part in [package, path] if part]) for path in found]

def _exists(relative_path):
    """Whether there is one at a path."""
    return relative_path in native.subpackages(include = [relative_path], allow_empty = True)

subpackages = struct(
    all = _all,
    exists = _exists,
    supported = _supported,
)
