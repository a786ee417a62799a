"""`py_binary` and `py_test`: Python programs."""

load("//common:paths.bzl", "runfiles_path")
load("//common:programs.bzl", "PROGRAM_ATTRS", "TEST_ATTRS", "run_environment")
load("//common:runfiles.bzl", "collect_runfiles")
load("//py:common.bzl", "LIBRARY_ATTRS", "make_py_info")
load("//py:launcher.bzl", "launcher")
load("//py:providers.bzl", "PyExecutableInfo", "PyInfo")

def _main_file(ctx):
    """The file to run: `main`, or the source named as the target."""
    if ctx.attr.main_module and not ctx.file.main:
        return ctx.files.srcs[0] if ctx.files.srcs else fail("`srcs` of %s is empty\nat: srcs\nhint: put the file to run there: `srcs = [\"%s.py\"]`" % (ctx.label, ctx.label.name))
    if ctx.file.main:
        return ctx.file.main

    # One of several that `parametrize` makes has what it is made with behind an `@`.
    name = ctx.label.name + ".py"
    for name in [name, ctx.label.name.partition("@")[0] + ".py"]:
        for file in ctx.files.srcs:
            if file.short_path.endswith("/" + name) or file.short_path == name:
                return file
    fail("%s has no `%s` in `srcs`\nat: srcs\nhint: name the file to run: `main = \"%s\"`" % (
        ctx.label,
        name,
        ctx.files.srcs[0].basename if ctx.files.srcs else name,
    ))

def _interpreter(ctx):
    python = ctx.machine_tools.python
    if not python:
        fail("%s needs Python 3, and there is no `python3` where it is looked for\nhint: install it, on Debian: `apt install python3`, or say in which folder it is: `--python_bootstrap_search_path`" % ctx.label)
    return python.interpreter

def _py_binary_impl(ctx):
    interpreter = _interpreter(ctx)
    main = _main_file(ctx)
    info = make_py_info(ctx)
    output = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        output,
        launcher(
            interpreter,
            ctx.attr.interpreter_args,
            runfiles_path(main),
            ctx.attr.main_module,
            info.imports.to_list(),
        ),
        is_executable = True,
    )
    runfiles = collect_runfiles(
        ctx,
        [main] + ctx.files.srcs,
        ctx.attr.data,
        ctx.attr.srcs + ctx.attr.deps,
    )
    if ctx.attr.legacy_create_init != 0:
        runfiles = runfiles._with_init_files()
    return [
        DefaultInfo(
            executable = output,
            files = depset([output] + ctx.files.srcs),
            runfiles = ctx.runfiles(files = [output]).merge(runfiles),
        ),
        info,
        PyExecutableInfo(
            interpreter_args = ctx.attr.interpreter_args,
            interpreter_path = interpreter,
            main = main,
            runfiles_without_exe = runfiles,
        ),
        run_environment(ctx),
    ]

_ATTRS = LIBRARY_ATTRS | {
    "config_settings": attr.label_keyed_string_dict(doc = "Accepted and ignored."),
    "interpreter_args": attr.string_list(doc = "Arguments of the interpreter."),
    "legacy_create_init": attr.int(
        default = -1,
        values = [-1, 0, 1],
        doc = "Whether every folder of Python files gets an `__init__.py` in the runfiles: yes unless 0.",
    ),
    "main": attr.label(allow_single_file = True, doc = "The file to run."),
    "main_module": attr.string(doc = "The module to run instead."),
    "python_version": attr.string(doc = "Accepted: the machine's Python 3 is used."),
    "stamp": attr.int(default = -1, doc = "Accepted and ignored."),
}

py_binary = rule(
    implementation = _py_binary_impl,
    _machine_tools = ["python"],
    doc = "A Python program.",
    executable = True,
    provides = [PyInfo],
    attrs = _ATTRS | PROGRAM_ATTRS,
)

py_test = rule(
    implementation = _py_binary_impl,
    _machine_tools = ["python"],
    doc = "A Python test.",
    test = True,
    provides = [PyInfo],
    attrs = _ATTRS | TEST_ATTRS,
)
