"""`sh_library`, `sh_binary`, `sh_test`: shell scripts."""

load("//common:programs.bzl", "PROGRAM_ATTRS", "TEST_ATTRS", "run_environment")
load("//common:runfiles.bzl", "collect_runfiles")

def _sh_library_impl(ctx):
    return [DefaultInfo(
        files = depset(ctx.files.srcs),
        runfiles = collect_runfiles(
            ctx,
            ctx.files.srcs,
            ctx.attr.data,
            ctx.attr.srcs + ctx.attr.deps,
        ),
    )]

def _sh_binary_impl(ctx):
    if len(ctx.files.srcs) != 1:
        fail("`srcs` of %s must be exactly one file, and is %d\nat: srcs\nhint: `srcs` is the script that runs; what it reads or calls goes to `data`" % (ctx.label, len(ctx.files.srcs)))
    source = ctx.files.srcs[0]
    output = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = output, target_file = source, is_executable = True)
    return [
        DefaultInfo(
            executable = output,
            files = depset([output, source]),
            runfiles = collect_runfiles(
                ctx,
                [output, source],
                ctx.attr.data,
                ctx.attr.srcs + ctx.attr.deps,
            ),
        ),
        run_environment(ctx),
    ]

_LIBRARY_ATTRS = {
    "data": attr.label_list(allow_files = True, doc = "Files needed at run time."),
    "deps": attr.label_list(allow_files = True, doc = "Libraries: `sh_library` targets."),
    "srcs": attr.label_list(allow_files = True, doc = "The scripts."),
}

_SCRIPT_ATTRS = _LIBRARY_ATTRS | {
    "srcs": attr.label_list(
        allow_files = True,
        mandatory = True,
        doc = "The script: exactly one file, with a `#!` line.",
    ),
    "use_bash_launcher": attr.bool(doc = "Accepted and ignored."),
}

sh_library = rule(
    implementation = _sh_library_impl,
    doc = "Shell scripts that others use.",
    attrs = _LIBRARY_ATTRS,
)

sh_binary = rule(
    implementation = _sh_binary_impl,
    doc = "A shell script to run.",
    executable = True,
    attrs = _SCRIPT_ATTRS | PROGRAM_ATTRS,
)

sh_test = rule(
    implementation = _sh_binary_impl,
    doc = "A shell script that tests something.",
    test = True,
    attrs = _SCRIPT_ATTRS | TEST_ATTRS,
)
