"""`PyCcLinkParamsInfo`"""

load("@kiln_builtins//py:providers.bzl", _PyCcLinkParamsInfo = "PyCcLinkParamsInfo")

PyCcLinkParamsInfo = _PyCcLinkParamsInfo
