"""`CcInfo`"""

load("@kiln_builtins//cc:providers.bzl", _CcInfo = "CcInfo")

CcInfo = _CcInfo
