"""Texts for shells."""

def _quote(s):
    """The text as one word."""
    return "'" + s.replace("'", "'\\''") + "'"

def _array_literal(iterable):
    """The items as a Bash array."""
    return "(" + " ".join([_quote(str(item)) for item in iterable]) + ")"

shell = struct(
    array_literal = _array_literal,
    quote = _quote,
)
