"""Functions on dictionaries."""

def _add(*dictionaries, **kwargs):
    """One dictionary of all; where several have a key, the last one's value counts."""
    result = {}
    for dictionary in dictionaries:
        result.update(dictionary)
    result.update(kwargs)
    return result

def _omit(dictionary, keys):
    """The dictionary without these keys."""
    left_out = {key: None for key in keys}
    return {key: value for key, value in dictionary.items() if key not in left_out}

def _pick(dictionary, keys):
    """The dictionary with no other keys than these."""
    return {key: dictionary[key] for key in keys if key in dictionary}

dicts = struct(
    add = _add,
    omit = _omit,
    pick = _pick,
)
