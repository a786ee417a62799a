"""`memprof_profile`"""

load("@kiln_builtins//cc:cc_toolchain.bzl", _memprof_profile = "memprof_profile")

memprof_profile = _memprof_profile
