"""`py_library`"""

load("@kiln_builtins//py:py_library.bzl", _py_library = "py_library")

py_library = _py_library
