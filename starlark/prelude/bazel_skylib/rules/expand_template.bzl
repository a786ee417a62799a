"""`expand_template`: a file with texts replaced."""

def _expand_template_impl(ctx):
    ctx.actions.expand_template(
        template = ctx.file.template,
        output = ctx.outputs.out,
        substitutions = ctx.attr.substitutions,
        is_executable = ctx.attr.is_executable,
    )

expand_template = rule(
    implementation = _expand_template_impl,
    doc = "A file with texts replaced.",
    attrs = {
        "is_executable": attr.bool(doc = "Whether the result can be run."),
        "out": attr.output(mandatory = True, doc = "The result."),
        "substitutions": attr.string_dict(mandatory = True, doc = "What is replaced by what."),
        "template": attr.label(allow_single_file = True, mandatory = True, doc = "The file."),
    },
)
