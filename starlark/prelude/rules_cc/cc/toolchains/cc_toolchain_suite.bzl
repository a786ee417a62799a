"""`cc_toolchain_suite`"""

load("@kiln_builtins//cc:cc_toolchain.bzl", _cc_toolchain_suite = "cc_toolchain_suite")

cc_toolchain_suite = _cc_toolchain_suite
