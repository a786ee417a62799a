"""What descriptions of C++ toolchains are made of: plain structures, which nothing reads."""

def _check_name(name, what):
    if not name:
        fail("a `%s` needs a name" % what)

def env_entry(key, value, expand_if_available = None):
    """An environment variable."""
    return struct(
        expand_if_available = expand_if_available,
        key = key,
        type_name = "env_entry",
        value = value,
    )

def env_set(actions, env_entries = [], with_features = []):
    """Environment variables of actions."""
    return struct(
        actions = actions,
        env_entries = env_entries,
        type_name = "env_set",
        with_features = with_features,
    )

def variable_with_value(name, value):
    """A condition on a variable."""
    return struct(name = name, type_name = "variable_with_value", value = value)

def with_feature_set(features = [], not_features = []):
    """A condition on features."""
    return struct(features = features, not_features = not_features, type_name = "with_feature_set")

def feature_set(features = []):
    """Features that go together."""
    return struct(features = features, type_name = "feature_set")

def flag_group(
        flags = [],
        flag_groups = [],
        iterate_over = None,
        expand_if_available = None,
        expand_if_not_available = None,
        expand_if_true = None,
        expand_if_false = None,
        expand_if_equal = None):
    """Flags under conditions."""
    return struct(
        expand_if_available = expand_if_available,
        expand_if_equal = expand_if_equal,
        expand_if_false = expand_if_false,
        expand_if_not_available = expand_if_not_available,
        expand_if_true = expand_if_true,
        flag_groups = flag_groups,
        flags = flags,
        iterate_over = iterate_over,
        type_name = "flag_group",
    )

def flag_set(actions = [], with_features = [], flag_groups = []):
    """Flags of actions."""
    return struct(
        actions = actions,
        flag_groups = flag_groups,
        type_name = "flag_set",
        with_features = with_features,
    )

def feature(name, enabled = False, flag_sets = [], env_sets = [], requires = [], implies = [], provides = []):
    """A feature."""
    _check_name(name, "feature")
    return struct(
        enabled = enabled,
        env_sets = env_sets,
        flag_sets = flag_sets,
        implies = implies,
        name = name,
        provides = provides,
        requires = requires,
        type_name = "feature",
    )

def tool_path(name, path):
    """The path of a tool."""
    _check_name(name, "tool_path")
    return struct(name = name, path = path, type_name = "tool_path")

def tool(path = None, with_features = [], execution_requirements = [], tool = None):
    """A tool of an action."""
    return struct(
        execution_requirements = execution_requirements,
        path = path,
        tool = tool,
        type_name = "tool",
        with_features = with_features,
    )

def action_config(action_name, enabled = False, tools = [], flag_sets = [], implies = []):
    """An action."""
    _check_name(action_name, "action_config")
    return struct(
        action_name = action_name,
        enabled = enabled,
        flag_sets = flag_sets,
        implies = implies,
        tools = tools,
        type_name = "action_config",
    )

def artifact_name_pattern(category_name, prefix, extension):
    """How made files are called."""
    return struct(
        category_name = category_name,
        extension = extension,
        prefix = prefix,
        type_name = "artifact_name_pattern",
    )

def make_variable(name, value):
    """A make variable."""
    return struct(name = name, type_name = "make_variable", value = value)
