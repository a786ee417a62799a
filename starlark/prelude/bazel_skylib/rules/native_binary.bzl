"""`native_binary`, `native_test`: a program that is there already, with runfiles and arguments."""

load("@kiln_builtins//common:programs.bzl", "PROGRAM_ATTRS", "TEST_ATTRS", "run_environment")

def _impl(ctx):
    out = ctx.actions.declare_file(ctx.attr.out or ctx.label.name)
    ctx.actions.symlink(
        output = out,
        target_file = ctx.executable.src,
        is_executable = True,
    )
    runfiles = ctx.runfiles(files = ctx.files.data + [out])
    merged = [
        target[DefaultInfo].default_runfiles
        for target in [ctx.attr.src] + ctx.attr.data
        if target[DefaultInfo].default_runfiles
    ]
    return [
        DefaultInfo(
            executable = out,
            files = depset([out]),
            runfiles = runfiles.merge_all(merged),
        ),
        run_environment(ctx),
    ]

_ATTRS = {
    "data": attr.label_list(allow_files = True, doc = "Files needed at run time."),
    "out": attr.string(doc = "The program's new name; the target's if not given."),
    "src": attr.label(
        allow_files = True,
        cfg = "target",
        executable = True,
        mandatory = True,
        doc = "The program.",
    ),
}

native_binary = rule(
    implementation = _impl,
    doc = "A program that is there already.",
    executable = True,
    attrs = _ATTRS | PROGRAM_ATTRS,
)

native_test = rule(
    implementation = _impl,
    doc = "A test that is there already.",
    test = True,
    attrs = _ATTRS | TEST_ATTRS,
)
