"""`CcToolchainConfigInfo`"""

load("@kiln_builtins//cc:providers.bzl", _CcToolchainConfigInfo = "CcToolchainConfigInfo")

CcToolchainConfigInfo = _CcToolchainConfigInfo
