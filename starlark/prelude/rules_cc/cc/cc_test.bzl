"""`cc_test`"""

load("@kiln_builtins//cc:cc_binary.bzl", _cc_test = "cc_test")

cc_test = _cc_test
