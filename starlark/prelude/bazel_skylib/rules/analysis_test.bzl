"""`analysis_test`: a test that passes if its targets can be analyzed."""

def _analysis_test_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(script, "#!/bin/sh\nexit 0\n", is_executable = True)
    return [DefaultInfo(executable = script)]

analysis_test = rule(
    implementation = _analysis_test_impl,
    doc = "A test that passes if its targets can be analyzed. They are not built.",
    test = True,
    attrs = {
        "targets": attr.label_list(mandatory = True, doc = "The targets."),
    },
)
