"""`PyExecutableInfo`"""

load("@kiln_builtins//py:providers.bzl", _PyExecutableInfo = "PyExecutableInfo")

PyExecutableInfo = _PyExecutableInfo
