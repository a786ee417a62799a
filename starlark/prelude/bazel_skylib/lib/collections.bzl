"""Functions on lists."""

def _after_each(separator, iterable):
    """The items, each followed by the separator."""
    result = []
    for item in iterable:
        result += [item, separator]
    return result

def _before_each(separator, iterable):
    """The items, each preceded by the separator."""
    result = []
    for item in iterable:
        result += [separator, item]
    return result

def _uniq(iterable):
    """The items, each once."""
    return {item: None for item in iterable}.keys()

collections = struct(
    after_each = _after_each,
    before_each = _before_each,
    uniq = _uniq,
)
