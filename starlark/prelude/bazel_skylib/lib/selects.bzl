"""Choices by configuration with more than one condition a branch."""

_DEFAULT = "//conditions:default"

def _with_or_dict(input_dict):
    """The dictionary with each tuple of conditions as branches of their own."""
    result = {}
    for key, value in input_dict.items():
        for condition in key if type(key) == "tuple" else (key,):
            if condition in result:
                fail("condition `%s` has more than one value" % condition)
            result[condition] = value
    return result

def _with_or(input_dict, no_match_error = ""):
    """A `select` whose keys may be tuples: conditions of which any makes the branch fit."""
    return select(_with_or_dict(input_dict), no_match_error = no_match_error)

def _config_setting_group(name, match_any = [], match_all = [], visibility = None):
    """A condition that holds if any, or if all, of others hold.

    Args:
      name: of the target
      match_any: conditions of which one must hold
      match_all: conditions that must all hold
      visibility: of the target
    """
    if bool(match_any) == bool(match_all):
        fail("exactly one of `match_any` and `match_all` must be given, and not empty")
    conditions = match_any or match_all
    if _DEFAULT in conditions:
        fail("`%s` is of no use in a group: it always holds" % _DEFAULT)

    # A chain of aliases. Each asks one condition and points to its answer or to the next alias.
    kind = "any" if match_any else "all"
    for index, condition in enumerate(conditions):
        following = ":%s_%s_%d" % (name, kind, index + 1)
        if index == len(conditions) - 1:
            actual = condition
        elif match_any:
            actual = select({_DEFAULT: following, condition: condition})
        else:
            actual = select({_DEFAULT: condition, condition: following})
        native.alias(
            name = "%s_%s_%d" % (name, kind, index) if index else name,
            actual = actual,
            visibility = ["//visibility:private"] if index else visibility,
        )

selects = struct(
    config_setting_group = _config_setting_group,
    with_or = _with_or,
    with_or_dict = _with_or_dict,
)
