"""Texts of attributes: make variables, `$(location)` forms and shell words."""

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
        text = ctx.expand_location(text, targets)
    return ctx.expand_make_variables(attribute, text, variables)

def expand_words(ctx, attribute, texts, targets = [], variables = {}):
    """Expands texts and splits each into shell words, as `copts` and its kin ask for."""
    words = []
    for text in texts:
        words += shell_words(expand(ctx, attribute, text, targets, variables))
    return words

def expand_env(ctx, env, targets):
    """The value of an `env` attribute with everything in it expanded."""
    return {name: expand(ctx, "env", value, targets) for name, value in env.items()}

def shell_words(text):
    """Splits a text as a Bourne shell splits a command line, expanding nothing."""
    if "'" not in text and "\"" not in text and "\\" not in text:
        return text.split()
    words = []
    word = ""
    inside = False  # inside a word, which may be empty: ''
    quote = None  # the quote that ends the quoted part
    escaped = False
    for char in text.elems():
        if escaped:
            # Between double quotes a backslash stands for itself unless it protects something.
            if quote and char not in "\"\\":
                word += "\\"
            word += char
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
            inside = True
        elif quote:
            if char == quote:
                quote = None
            else:
                word += char
        elif char in "'\"":
            quote = char
            inside = True
        elif char in " \t\r\n":
            if inside:
                words.append(word)
            word = ""
            inside = False
        else:
            word += char
            inside = True
    if quote:
        fail("unclosed %s in `%s`" % (quote, text))
    if escaped:
        fail("`%s` ends with a backslash" % text)
    if inside:
        words.append(word)
    return words
