"""`genrule`: files made by a shell command."""

load("//common:expand.bzl", "expand")

# Longer commands go into a script: the kernel limits one argument to 128 KiB.
_MAX_ARGUMENT = 64000

_SETUP = "unset TEST_TMPDIR; set -e -o pipefail; "

def _one(files, variable, attribute):
    if len(files) == 1:
        return files[0].path
    fail("`%s` in `cmd` stands for the one file of `%s`, which has %d\nat: cmd %s\nhint: %s" % (
        variable,
        attribute,
        len(files),
        variable,
        "write `$(SRCS)` for all, or `$(location …)` for one of them" if attribute == "srcs" else "write `$(OUTS)` for all, or `$(location …)` for one of them",
    ))

def _variables(ctx, command, srcs, outs):
    """The make variables that only a genrule has."""
    package = "/".join([part for part in [
        ctx.bin_dir.path,
        ctx.label.workspace_root,
        ctx.label.package,
    ] if part])
    variables = {
        "@D": outs[0].dirname if len(outs) == 1 else package,
        "OUTS": " ".join([out.path for out in outs]),
        "RULEDIR": package,
        "SRCS": " ".join([src.path for src in srcs]),
        "TARGET": str(ctx.label),
    }
    bare = command.replace("$$", "")
    if "$@" in bare or "$(@)" in bare:
        variables["@"] = _one(outs, "$@", "outs")
    if "$<" in bare or "$(<)" in bare:
        variables["<"] = _one(srcs, "$<", "srcs")
    return variables

def _command(ctx, srcs, tools, outs):
    attribute = "cmd_bash" if ctx.attr.cmd_bash else "cmd"
    command = getattr(ctx.attr, attribute)
    if not command:
        fail("a genrule needs a command\nhint: add `cmd = \"…\"`")
    return expand(
        ctx,
        attribute,
        command,
        ctx.attr.srcs + tools,
        _variables(ctx, command, srcs, outs),
    )

def _status(ctx):
    """The files of the workspace's status, for a command that is stamped."""
    stamp = ctx.attr.stamp
    if stamp == 1 or (stamp == -1 and ctx.configuration.stamp_binaries()):
        return [ctx.info_file, ctx.version_file]
    return []

def _run(ctx, command, srcs, tools, outs):
    inputs = [target[DefaultInfo].files for target in ctx.attr.srcs + tools]
    direct = _status(ctx)
    script = _SETUP + command
    arguments = ["-c", script]
    if len(script) > _MAX_ARGUMENT:
        file = ctx.actions.declare_file(ctx.label.name + ".genrule_script.sh")
        ctx.actions.write(file, script, is_executable = True)
        direct = direct + [file]
        arguments = [file.path]
    ctx.actions.run(
        outputs = outs,
        inputs = depset(direct, transitive = inputs),
        tools = [
            tool[DefaultInfo].files_to_run
            for tool in tools
            if tool[DefaultInfo].files_to_run and tool[DefaultInfo].files_to_run.executable
        ],
        executable = ctx.machine_tools.shell.bash,
        arguments = arguments,
        mnemonic = "Genrule",
        progress_message = ctx.attr.message or "Executing genrule %{label}",
        use_default_shell_env = True,
        _workspace_sources = ctx.attr.workspace_invalidation_sources,
    )

def _genrule_impl(ctx):
    outs = ctx.outputs.outs
    if ctx.attr.executable and len(outs) != 1:
        fail("an executable genrule makes exactly one file; `outs` has %d\nat: outs\nhint: leave one output, or drop `executable`" % len(outs))
    tools = ctx.attr.tools + ctx.attr.exec_tools
    srcs = ctx.files.srcs
    _run(ctx, _command(ctx, srcs, tools, outs), srcs, tools, outs)
    files = depset(outs)
    return [DefaultInfo(
        files = files,
        executable = outs[0] if ctx.attr.executable else None,
        data_runfiles = ctx.runfiles(transitive_files = files),
    )]

genrule = rule(
    implementation = _genrule_impl,
    _machine_tools = ["shell"],
    doc = "Makes files by a Bash command.",
    attrs = {
        "cmd": attr.string(doc = "The command, with make variables and location forms."),
        "cmd_bash": attr.string(doc = "Used instead of `cmd` if given."),
        "cmd_bat": attr.string(doc = "For Windows: accepted and ignored."),
        "cmd_ps": attr.string(doc = "For Windows: accepted and ignored."),
        "exec_tools": attr.label_list(allow_files = True, cfg = "exec", doc = "As `tools`."),
        "executable": attr.bool(
            configurable = False,
            doc = "Whether the one file can be run.",
        ),
        "heuristic_label_expansion": attr.bool(doc = "Accepted and ignored."),
        "local": attr.bool(doc = "Whether the command must run on this machine."),
        "message": attr.string(doc = "What to show while the command runs."),
        "output_licenses": attr.string_list(doc = "Accepted and ignored."),
        "output_to_bindir": attr.bool(
            configurable = False,
            doc = "Accepted and ignored: there is one output folder.",
        ),
        "outs": attr.output_list(
            mandatory = True,
            allow_empty = False,
            doc = "The files made.",
        ),
        "srcs": attr.label_list(allow_files = True, doc = "The files read."),
        "stamp": attr.int(
            default = 0,
            values = [-1, 0, 1],
            doc = "Whether the command sees `bazel-out/stable-status.txt` and " +
                  "`bazel-out/volatile-status.txt`: 1 yes, 0 no, -1 with `--stamp`.",
        ),
        "tools": attr.label_list(
            allow_files = True,
            cfg = "exec",
            doc = "Programs, built for the machine that runs the command.",
        ),
        "workspace_invalidation_sources": attr.string_list(
            doc = "Patterns of files that decide the result in a workspace environment.",
        ),
    },
)
