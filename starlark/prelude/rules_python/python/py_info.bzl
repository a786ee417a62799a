"""`PyInfo`"""

load("@kiln_builtins//py:providers.bzl", _PyInfo = "PyInfo")

PyInfo = _PyInfo
