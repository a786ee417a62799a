"""`build_test`: a test that passes if its targets build."""

def _build_test_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(script, "#!/bin/sh\nexit 0\n", is_executable = True)
    files = depset(transitive = [target[DefaultInfo].files for target in ctx.attr.targets])
    return [DefaultInfo(
        executable = script,
        runfiles = ctx.runfiles(files = [script], transitive_files = files),
    )]

_build_test = rule(
    implementation = _build_test_impl,
    doc = "A test that passes if its targets build.",
    test = True,
    attrs = {
        "targets": attr.label_list(allow_files = True, mandatory = True, doc = "The targets."),
    },
)

def build_test(name, targets, **kwargs):
    """A test that passes if its targets build.

    Args:
      name: of the test
      targets: what must build
      **kwargs: attributes of all tests
    """
    if not targets:
        fail("`targets` of the build_test `%s` is empty" % name)
    _build_test(name = name, targets = targets, **kwargs)
