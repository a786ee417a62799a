"""`cc_common`"""

load("@kiln_builtins//cc:cc_common.bzl", _cc_common = "cc_common")

cc_common = _cc_common
