"""What descriptions of C++ toolchains are made of: plain structures, which nothing reads."""

load(
    "@kiln_builtins//cc:cc_toolchain_config_lib.bzl",
    _env_entry = "env_entry",
    _env_set = "env_set",
    _variable_with_value = "variable_with_value",
    _with_feature_set = "with_feature_set",
    _feature_set = "feature_set",
    _flag_group = "flag_group",
    _flag_set = "flag_set",
    _feature = "feature",
    _tool_path = "tool_path",
    _tool = "tool",
    _action_config = "action_config",
    _artifact_name_pattern = "artifact_name_pattern",
    _make_variable = "make_variable",
)

env_entry = _env_entry
env_set = _env_set
variable_with_value = _variable_with_value
with_feature_set = _with_feature_set
feature_set = _feature_set
flag_group = _flag_group
flag_set = _flag_set
feature = _feature
tool_path = _tool_path
tool = _tool
action_config = _action_config
artifact_name_pattern = _artifact_name_pattern
make_variable = _make_variable
