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

# Finds its runfiles, gives the script `rlocation` and the variables that other programs find
# theirs by, and becomes it.
_LAUNCHER = """#!{bash}
set -e
if [[ ! -d "${{RUNFILES_DIR:-/dev/null}}" && ! -f "${{RUNFILES_MANIFEST_FILE:-/dev/null}}" ]]; then
  if [[ -d "$0.runfiles" ]]; then
    export RUNFILES_DIR="$0.runfiles"
  else
    export RUNFILES_DIR="${{0%.runfiles/*}}.runfiles"
  fi
fi
source "${{RUNFILES_DIR:-${{RUNFILES_MANIFEST_FILE%_manifest}}}}/{library}"
runfiles_export_envvars
set +e
exec "$(rlocation "{script}")" "$@"
"""

def _runfiles_path(ctx, file):
    path = file.short_path
    return path[3:] if path.startswith("../") else ctx.workspace_name + "/" + path

def _launcher(ctx, output, source):
    library = ctx.attr._bash_runfiles[DefaultInfo].files.to_list()[0]
    ctx.actions.write(
        output,
        _LAUNCHER.format(
            bash = ctx.machine_tools.shell.bash or "/usr/bin/env bash",
            library = _runfiles_path(ctx, library),
            script = _runfiles_path(ctx, source),
        ),
        is_executable = True,
    )
    return [library]

def _sh_binary_impl(ctx):
    if len(ctx.files.srcs) != 1:
        fail("`srcs` of %s must be exactly one file, and is %d\nat: srcs\nhint: `srcs` is the script that runs; what it reads or calls goes to `data`" % (ctx.label, len(ctx.files.srcs)))
    source = ctx.files.srcs[0]
    output = ctx.actions.declare_file(ctx.label.name)
    library = []
    if ctx.attr.use_bash_launcher:
        library = _launcher(ctx, output, source)
    else:
        ctx.actions.symlink(output = output, target_file = source, is_executable = True)
    return [
        DefaultInfo(
            executable = output,
            files = depset([output, source]),
            runfiles = collect_runfiles(
                ctx,
                [output, source] + library,
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
    "use_bash_launcher": attr.bool(
        doc = "Whether the script gets `rlocation` and the variables of runfiles (rules_shell).",
    ),
    "_bash_runfiles": attr.label(default = Label("@bazel_tools//tools/bash/runfiles")),
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
    _machine_tools = ["shell"],
    attrs = _SCRIPT_ATTRS | PROGRAM_ATTRS,
)

sh_test = rule(
    implementation = _sh_binary_impl,
    doc = "A shell script that tests something.",
    test = True,
    _machine_tools = ["shell"],
    attrs = _SCRIPT_ATTRS | TEST_ATTRS,
)
