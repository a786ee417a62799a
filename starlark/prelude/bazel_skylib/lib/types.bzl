"""Questions about the types of values."""

def _of(name):
    return lambda v: type(v) == name

def _is_function(v):
    """Whether a value is a function, written in Starlark or built in."""
    return type(v) in ("function", "builtin_function_or_method", "native_function")

def _is_set(v):
    """Whether a value is a set of `new_sets.bzl`."""
    return type(v) == "struct" and type(getattr(v, "_values", None)) == "dict"

types = struct(
    is_bool = _of("bool"),
    is_depset = _of("depset"),
    is_dict = _of("dict"),
    is_function = _is_function,
    is_int = _of("int"),
    is_list = _of("list"),
    is_none = _of("NoneType"),
    is_set = _is_set,
    is_string = _of("string"),
    is_tuple = _of("tuple"),
)
