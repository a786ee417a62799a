"""How rules get at the C++ toolchain."""

load("@kiln_builtins//cc:providers.bzl", "CcToolchainInfo")

CC_TOOLCHAIN_TYPE = "@bazel_tools//tools/cpp:toolchain_type"

CC_TOOLCHAIN_ATTRS = {
    "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
}

def find_cc_toolchain(ctx, *, mandatory = True):
    """The `CcToolchainInfo` that a rule has by `use_cc_toolchain()` or by `_cc_toolchain`.

    Args:
      ctx: the rule's context
      mandatory: whether it is an error that there is none; else `None` is given
    """
    if hasattr(ctx, "toolchains") and CC_TOOLCHAIN_TYPE in ctx.toolchains:
        found = ctx.toolchains[CC_TOOLCHAIN_TYPE]
        if found:
            return getattr(found, "cc", found)
    attribute = getattr(ctx.attr, "_cc_toolchain", None)
    if attribute:
        return attribute[CcToolchainInfo]
    if mandatory:
        fail("%s has no C++ toolchain\nhint: give its rule `toolchains = use_cc_toolchain()`" % ctx.label)
    return None

def find_cpp_toolchain(ctx, *, mandatory = True):
    """As `find_cc_toolchain`, of which it is an older name."""
    return find_cc_toolchain(ctx, mandatory = mandatory)

def use_cc_toolchain(mandatory = False):
    """What to add to `toolchains` of a rule."""
    return [config_common.toolchain_type(CC_TOOLCHAIN_TYPE, mandatory = mandatory)]
