"""Sets, as structures around a dictionary. They can be changed while their file is loaded."""

load(":dicts.bzl", "dicts")

def _make(elements = None):
    """A set of the elements."""
    return struct(_values = {element: None for element in elements or []})

def _copy(s):
    """A set of the same elements."""
    return struct(_values = dict(s._values))

def _to_list(s):
    """The elements, in the order in which they were added."""
    return s._values.keys()

def _insert(s, e):
    """Adds an element, and gives the set."""
    s._values[e] = None
    return s

def _remove(s, e):
    """Removes an element that must be there, and gives the set."""
    s._values.pop(e)
    return s

def _contains(a, e):
    """Whether an element is in the set."""
    return e in a._values

def _length(s):
    """How many elements there are."""
    return len(s._values)

def _is_equal(a, b):
    """Whether two sets have the same elements."""
    return len(a._values) == len(b._values) and _is_subset(a, b)

def _is_subset(a, b):
    """Whether all elements of `a` are in `b`."""
    for element in a._values:
        if element not in b._values:
            return False
    return True

def _disjoint(a, b):
    """Whether no element is in both."""
    for element in a._values:
        if element in b._values:
            return False
    return True

def _intersection(a, b):
    """The elements that are in both."""
    return _make([element for element in a._values if element in b._values])

def _union(*args):
    """The elements that are in any."""
    return struct(_values = dicts.add(*[s._values for s in args]))

def _difference(a, b):
    """The elements of `a` that are not in `b`."""
    return _make([element for element in a._values if element not in b._values])

def _repr(s):
    """The elements as a text."""
    return repr(s._values.keys())

sets = struct(
    contains = _contains,
    copy = _copy,
    difference = _difference,
    disjoint = _disjoint,
    insert = _insert,
    intersection = _intersection,
    is_equal = _is_equal,
    is_subset = _is_subset,
    length = _length,
    make = _make,
    remove = _remove,
    repr = _repr,
    str = _repr,
    to_list = _to_list,
    union = _union,
)
