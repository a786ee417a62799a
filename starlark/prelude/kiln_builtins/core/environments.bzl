"""Environments: where targets are built and tested. The engine gives them their meaning.

A target is built in the one that its `environment` names, by a name that the configuration gives to
one of these targets. They are called in BUILD files directly, never by a macro.
"""

_PLATFORMS = "`linux_arm64`, `linux_x86_64`, `macos_arm64` or `macos_x86_64`"

_FALLBACK = attr.string(
    doc = "The environment to use where this one cannot be: a name, `__local__` or `__local_workspace__`.",
    configurable = False,
)

_RACE = attr.string(
    doc = "An environment with the same tools, by its name: actions are asked of both, and the first good result counts.",
    configurable = False,
)

_COMPATIBLE = attr.string_list(
    default = ["linux_arm64", "linux_x86_64", "macos_arm64", "macos_x86_64"],
    doc = "The machines it is for: " + _PLATFORMS + ". An empty list matches none.",
    configurable = False,
)

def _search_path(what, option):
    return attr.string_list(
        doc = "Folders in which " + what + " there, in place of those of `--" + option + "`. `<PATH>` stands for the folders of its own `PATH`.",
        configurable = False,
    )

def _variables(of, option):
    return attr.string_list(
        doc = "Variables of " + of + " there, in place of those of `--" + option + "`: `NAME=VALUE`, or `NAME` for the value that it has there.",
        configurable = False,
    )

# What all of them have: conditions, and fields in place of options.
_COMMON = {
    "cc_executable_search_paths": _search_path("the C and C++ compiler is looked for", "cc_executable_search_paths"),
    "python_bootstrap_search_path": _search_path("the Python interpreter is looked for", "python_bootstrap_search_path"),
    "requires_env": attr.string_list(
        doc = "Variables of whoever calls kiln, each a condition: `NAME`, `NAME=VALUE`, `!NAME` or `NAME!=VALUE`. It can be used if all hold.",
        configurable = False,
    ),
    "requires_option": attr.string_list(
        doc = "Options of kiln, each a condition: `NAME`, `NAME=VALUE`, `!NAME` or `NAME!=VALUE`. It can be used if all hold.",
        configurable = False,
    ),
    "shell_setup_executable_search_paths": _search_path("the shell is looked for", "shell_setup_executable_search_paths"),
    "subprocess_environment_env_vars": _variables("actions and tests", "subprocess_environment_env_vars"),
    "system_binaries_system_binary_paths": _search_path("programs are looked for by kiln and by actions", "system_binaries_system_binary_paths"),
    "test_extra_env_vars": _variables("tests", "test_extra_env_vars"),
}

local_environment = rule(
    _builtin = "local_environment",
    doc = "A sandbox on this machine.",
    attrs = _COMMON | {
        "compatible_platforms": _COMPATIBLE,
        "fallback_environment": _FALLBACK,
        "race_with": _RACE,
    },
)

docker_environment = rule(
    _builtin = "docker_environment",
    doc = "A container.",
    attrs = _COMMON | {
        "fallback_environment": _FALLBACK,
        "image": attr.string(
            mandatory = True,
            doc = "The image: a name with a tag or a digest, or an id.",
            configurable = False,
        ),
        "platform": attr.string(
            doc = "`linux_arm64` or `linux_x86_64`; without it this machine's instruction set.",
            configurable = False,
        ),
        "race_with": _RACE,
    },
)

remote_environment = rule(
    _builtin = "remote_environment",
    doc = "A worker of a remote execution server.",
    attrs = _COMMON | {
        "extra_platform_properties": attr.string_list(
            doc = "Properties that the worker must have, each `key=value`.",
            configurable = False,
        ),
        "fallback_environment": _FALLBACK,
        "platform": attr.string(
            default = "linux_x86_64",
            doc = "`linux_arm64` or `linux_x86_64`.",
            configurable = False,
        ),
        "race_with": _RACE,
    },
)

experimental_workspace_environment = rule(
    _builtin = "experimental_workspace_environment",
    doc = "The workspace itself, on this machine: no sandbox, and results that hold for one command.",
    attrs = _COMMON | {
        "compatible_platforms": _COMPATIBLE,
    },
)

# A condition for `select`: whether the environment's platform is that of its name.
environment_platform = rule(
    _builtin = "environment_platform",
    doc = "A platform of environments, as a condition.",
    attrs = {},
)

def per_platform(linux_arm64 = None, linux_x86_64 = None, macos_arm64 = None, macos_x86_64 = None):
    """A value that depends on the platform of the environment that a target is built in.

    It is a `select`, and can be put together with other values as one.

    Args:
      linux_arm64: the value there.
      linux_x86_64: the value there.
      macos_arm64: the value there.
      macos_x86_64: the value there.
    Returns:
      The value, to be given to an attribute.
    """
    values = {
        "linux_arm64": linux_arm64,
        "linux_x86_64": linux_x86_64,
        "macos_arm64": macos_arm64,
        "macos_x86_64": macos_x86_64,
    }
    values = {name: value for name, value in values.items() if value != None}
    if not values:
        fail("`per_platform` needs a value for at least one platform: `linux_x86_64 = …`")
    types = {}
    for name, value in values.items():
        types.setdefault(type(value), name)
    if len(types) > 1:
        shown = ["`%s` is of type %s" % (name, kind) for kind, name in types.items()]
        fail("the values of `per_platform` must be of one type: " + ", ".join(shown))
    return select(
        {Label("//core:" + name): value for name, value in values.items()},
        no_match_error = "`per_platform` has values for " + ", ".join(["`%s`" % name for name in values]),
    )
