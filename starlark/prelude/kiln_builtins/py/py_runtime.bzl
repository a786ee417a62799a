"""`py_runtime` and the machine's Python as a toolchain.

kiln finds the interpreter itself. Runtimes that a repository describes load and build, but no
program is run with them.
"""

load("//py:providers.bzl", "PyRuntimeInfo")

def _runtime_info(interpreter_path = None, interpreter = None, files = None, version = ""):
    numbers = [int(part) if part.isdigit() else 0 for part in version.split(".")] + [0, 0, 0]
    return PyRuntimeInfo(
        bootstrap_template = None,
        coverage_files = None,
        coverage_tool = None,
        files = files,
        implementation_name = "cpython",
        interpreter = interpreter,
        interpreter_path = interpreter_path,
        interpreter_version_info = struct(major = numbers[0], minor = numbers[1], micro = numbers[2]),
        python_version = "PY3",
        stub_shebang = "#!/usr/bin/env python3",
    )

def _py_runtime_impl(ctx):
    if bool(ctx.attr.interpreter_path) == bool(ctx.attr.interpreter):
        fail("exactly one of `interpreter` and `interpreter_path` of %s must be given\nhint: give the path of a program on this machine, or the label of a file" % ctx.label)
    files = depset(ctx.files.files)
    return [
        DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files)),
        _runtime_info(
            ctx.attr.interpreter_path or None,
            ctx.file.interpreter,
            files if ctx.attr.interpreter else None,
        ),
    ]

py_runtime = rule(
    implementation = _py_runtime_impl,
    doc = "A description of a Python interpreter: accepted, not used.",
    provides = [PyRuntimeInfo],
    attrs = {
        "bootstrap_template": attr.label(allow_single_file = True),
        "coverage_tool": attr.label(allow_files = True),
        "files": attr.label_list(allow_files = True),
        "implementation_name": attr.string(),
        "interpreter": attr.label(allow_single_file = True),
        "interpreter_path": attr.string(),
        "interpreter_version_info": attr.string_dict(),
        "pyc_tag": attr.string(),
        "python_version": attr.string(),
        "stub_shebang": attr.string(),
    },
)

def _py_runtime_pair_impl(ctx):
    runtime = ctx.attr.py3_runtime
    info = runtime[PyRuntimeInfo] if runtime else None
    return [DefaultInfo(), platform_common.ToolchainInfo(py2_runtime = None, py3_runtime = info)]

py_runtime_pair = rule(
    implementation = _py_runtime_pair_impl,
    doc = "A Python toolchain of a described interpreter: accepted, not used.",
    attrs = {
        "py2_runtime": attr.label(),
        "py3_runtime": attr.label(providers = [PyRuntimeInfo]),
    },
)

def _current_py_toolchain_impl(ctx):
    python = ctx.machine_tools.python
    if not python:
        fail("there is no `python3` where it is looked for\nhint: install it, on Debian: `apt install python3`, or say in which folder it is: `--python_bootstrap_search_path`")
    info = _runtime_info(python.interpreter, version = python.version)
    return [
        DefaultInfo(),
        info,
        platform_common.ToolchainInfo(py2_runtime = None, py3_runtime = info),
        platform_common.TemplateVariableInfo({
            "PYTHON3": python.interpreter,
            "PYTHON3_ROOTPATH": python.interpreter,
        }),
    ]

current_py_toolchain = rule(
    implementation = _current_py_toolchain_impl,
    _machine_tools = ["python"],
    doc = "The Python found on the machine.",
)
