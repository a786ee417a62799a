"""Texts of attributes: make variables, `$(location)` forms and shell words."""

def _locations(ctx, text, targets, short_paths = False):
    # `$$` is a dollar sign, so what follows it is no form; `ctx.expand_location` alone would take it.
    pieces = [ctx.expand_location(piece, targets, short_paths = short_paths) for piece in text.split("$$")]
    return "$$".join(pieces)

def expand(ctx, attribute, text, targets = [], variables = {}):
    """Replaces `$(location)` forms and make variables.

    Args:
      ctx: the rule's context
      attribute: whose value it is, for messages
      text: the text
      targets: whose files location forms may name, besides those of `srcs`, `data`, `deps`, `tools`
      variables: make variables besides those of the configuration and of `toolchains`

    Returns:
      the text, `$$` turned into `$`
    """
    if "$" not in text:
        return text
    if "$(" in text:
        text = _locations(ctx, text, targets)
    return ctx.expand_make_variables(attribute, text, variables)

def expand_words(ctx, attribute, texts, targets = [], variables = {}):
    """Expands texts and splits each into shell words, as `copts` and its kin ask for."""
    words = []
    for text in texts:
        words += ctx.tokenize(expand(ctx, attribute, text, targets, variables))
    return words

def expand_env(ctx, env, targets):
    """The value of an `env` attribute with everything in it expanded.

    Location forms become paths that a program can use from its runfiles.
    """
    expanded = {}
    for name, value in env.items():
        if "$" in value:
            value = _locations(ctx, value, targets, short_paths = True)
            value = ctx.expand_make_variables("env", value, {})
        expanded[name] = value
    return expanded
