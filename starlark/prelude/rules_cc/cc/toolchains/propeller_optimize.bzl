"""`propeller_optimize`"""

load("@kiln_builtins//cc:cc_toolchain.bzl", _propeller_optimize = "propeller_optimize")

propeller_optimize = _propeller_optimize
