"""`PyRuntimeInfo`"""

load("@kiln_builtins//py:providers.bzl", _PyRuntimeInfo = "PyRuntimeInfo")

PyRuntimeInfo = _PyRuntimeInfo
