"""Helpers of repository rules."""

def maybe(repo_rule, name, **kwargs):
    """Declares a repository if there is none of that name yet.

    Args:
      repo_rule: the rule
      name: of the repository
      **kwargs: the rule's attributes
    """
    if not native.existing_rule(name):
        repo_rule(name = name, **kwargs)

def _only_while_fetching(name):
    fail("`%s` is for repository rules, which kiln does not run" % name)

def workspace_and_buildfile(_ctx):
    """For repository rules."""
    _only_while_fetching("workspace_and_buildfile")

def patch(_ctx, **_kwargs):
    """For repository rules."""
    _only_while_fetching("patch")

def update_attrs(orig, keys, override):
    """The attributes of `orig` named by `keys`, with those of `override` in their place."""
    result = {key: getattr(orig, key) for key in keys if getattr(orig, key, None) != None}
    result["name"] = orig.name
    result.update(override)
    return result

def read_netrc(_ctx, _filename):
    """For repository rules."""
    _only_while_fetching("read_netrc")

def read_user_netrc(_ctx):
    """For repository rules."""
    _only_while_fetching("read_user_netrc")

def use_netrc(_netrc, _urls, _patterns):
    """For repository rules."""
    _only_while_fetching("use_netrc")

def parse_netrc(_contents, _filename = "a .netrc file"):
    """For repository rules."""
    _only_while_fetching("parse_netrc")

def get_auth(_ctx, _urls):
    """For repository rules."""
    _only_while_fetching("get_auth")
