"""Functions on structures."""

def _to_dict(s):
    """The fields as a dictionary."""
    # Structures of Bazel have these two besides their fields.
    names = [name for name in dir(s) if name not in ("to_json", "to_proto")]
    return {name: getattr(s, name) for name in names}

structs = struct(to_dict = _to_dict)
