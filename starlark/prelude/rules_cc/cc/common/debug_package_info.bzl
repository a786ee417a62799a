"""`DebugPackageInfo`"""

load("@kiln_builtins//cc:providers.bzl", _DebugPackageInfo = "DebugPackageInfo")

DebugPackageInfo = _DebugPackageInfo
