"""Environments: where targets are built and tested. The engine gives them their meaning.

A target is built in the one that its `environment` names, by a name that the configuration gives to
one of these targets. They are called in BUILD files directly, never by a macro.
"""

_PLATFORMS = "`linux_arm64`, `linux_x86_64`, `macos_arm64` or `macos_x86_64`"

_FALLBACK = attr.string(
    doc = "The environment to use where this one cannot be: a name, `__local__` or `__local_workspace__`.",
    configurable = False,
)

_COMPATIBLE = attr.string_list(
    default = ["linux_arm64", "linux_x86_64", "macos_arm64", "macos_x86_64"],
    doc = "The machines it is for: " + _PLATFORMS + ". An empty list matches none.",
    configurable = False,
)

local_environment = rule(
    _builtin = "local_environment",
    doc = "A sandbox on this machine.",
    attrs = {
        "compatible_platforms": _COMPATIBLE,
        "fallback_environment": _FALLBACK,
    },
)

docker_environment = rule(
    _builtin = "docker_environment",
    doc = "A container.",
    attrs = {
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
    },
)

remote_environment = rule(
    _builtin = "remote_environment",
    doc = "A worker of a remote execution server.",
    attrs = {
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
    },
)

experimental_workspace_environment = rule(
    _builtin = "experimental_workspace_environment",
    doc = "The workspace itself, on this machine: no sandbox, and results that hold for one command.",
    attrs = {
        "compatible_platforms": _COMPATIBLE,
    },
)
