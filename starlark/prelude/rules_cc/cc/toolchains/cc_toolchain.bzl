"""`cc_toolchain`"""

load("@kiln_builtins//cc:cc_toolchain.bzl", _cc_toolchain = "cc_toolchain")

cc_toolchain = _cc_toolchain
