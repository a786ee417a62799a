"""What programs and tests of all languages have."""

load("//common:expand.bzl", "expand_env")

PROGRAM_ATTRS = {
    "env": attr.string_dict(
        doc = "The environment it is run with; values may hold location forms and make variables.",
    ),
}

TEST_ATTRS = PROGRAM_ATTRS | {
    "env_inherit": attr.string_list(
        doc = "Variables that are taken from the environment kiln is called with.",
    ),
}

def run_environment(ctx):
    """The provider of the environment that a program is run with."""
    return RunEnvironmentInfo(
        environment = expand_env(ctx, ctx.attr.env, ctx.attr.data),
        inherited_environment = getattr(ctx.attr, "env_inherit", []),
    )
