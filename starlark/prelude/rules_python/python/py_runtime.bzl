"""`py_runtime`"""

load("@kiln_builtins//py:py_runtime.bzl", _py_runtime = "py_runtime")

py_runtime = _py_runtime
