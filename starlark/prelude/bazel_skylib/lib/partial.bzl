"""Functions with some of their arguments given already."""

# What tells such a function from any other structure.
_MARK = "partial"

def _make(func, *args, **kwargs):
    """A function and arguments for it."""
    return struct(_kind = _MARK, args = args, function = func, kwargs = kwargs)

def _call(partial, *args, **kwargs):
    """Calls it: the arguments given first come first; named ones given last count."""
    named = dict(partial.kwargs)
    named.update(kwargs)
    return partial.function(*(partial.args + args), **named)

def _is_instance(v):
    """Whether a value is such a function."""
    return type(v) == "struct" and getattr(v, "_kind", None) == _MARK

partial = struct(
    call = _call,
    is_instance = _is_instance,
    make = _make,
)
