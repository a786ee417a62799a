"""`run_binary`: files made by a program."""

def _expand(ctx, text):
    # Location forms only: a dollar sign stays what it is.
    return ctx.expand_location(text, ctx.attr.srcs + [ctx.attr.tool])

def _run_binary_impl(ctx):
    if not ctx.outputs.outs:
        fail("`outs` of %s is empty" % ctx.label)
    args = ctx.actions.args()
    args.add_all([_expand(ctx, text) for text in ctx.attr.args])
    ctx.actions.run(
        outputs = ctx.outputs.outs,
        inputs = ctx.files.srcs,
        tools = [ctx.executable.tool],
        executable = ctx.executable.tool,
        arguments = [args],
        env = {name: _expand(ctx, value) for name, value in ctx.attr.env.items()},
        mnemonic = "RunBinary",
        use_default_shell_env = ctx.attr.use_default_shell_env,
    )
    files = depset(ctx.outputs.outs)
    return [DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files))]

run_binary = rule(
    implementation = _run_binary_impl,
    doc = "Files made by a program.",
    attrs = {
        "args": attr.string_list(doc = "Its arguments, with location forms."),
        "env": attr.string_dict(doc = "Its environment."),
        "outs": attr.output_list(mandatory = True, doc = "The files made."),
        "srcs": attr.label_list(allow_files = True, doc = "The files read."),
        "tool": attr.label(
            allow_files = True,
            cfg = "exec",
            executable = True,
            mandatory = True,
            doc = "The program.",
        ),
        "use_default_shell_env": attr.bool(doc = "Whether it gets `PATH` and `--action_env`."),
    },
)
