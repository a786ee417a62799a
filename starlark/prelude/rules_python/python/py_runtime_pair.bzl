"""`py_runtime_pair`"""

load("@kiln_builtins//py:py_runtime.bzl", _py_runtime_pair = "py_runtime_pair")

py_runtime_pair = _py_runtime_pair
