"""The shell as a toolchain."""

def _current_sh_toolchain_impl(ctx):
    return [DefaultInfo(), platform_common.ToolchainInfo(path = ctx.machine_tools.shell.bash)]

current_sh_toolchain = rule(
    implementation = _current_sh_toolchain_impl,
    _machine_tools = ["shell"],
    doc = "The shell found on the machine.",
)

def _sh_toolchain_impl(ctx):
    return [DefaultInfo(), platform_common.ToolchainInfo(path = ctx.attr.path)]

sh_toolchain = rule(
    implementation = _sh_toolchain_impl,
    doc = "A description of a shell: accepted, not used.",
    attrs = {
        "launcher": attr.label(allow_files = True),
        "launcher_maker": attr.label(allow_files = True),
        "path": attr.string(),
    },
)
