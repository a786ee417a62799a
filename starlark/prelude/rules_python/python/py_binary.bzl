"""`py_binary`"""

load("@kiln_builtins//py:py_binary.bzl", _py_binary = "py_binary")

py_binary = _py_binary
