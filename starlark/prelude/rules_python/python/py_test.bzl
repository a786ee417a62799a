"""`py_test`"""

load("@kiln_builtins//py:py_binary.bzl", _py_test = "py_test")

py_test = _py_test
