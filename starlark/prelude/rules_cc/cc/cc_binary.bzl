"""`cc_binary`"""

load("@kiln_builtins//cc:cc_binary.bzl", _cc_binary = "cc_binary")

cc_binary = _cc_binary
