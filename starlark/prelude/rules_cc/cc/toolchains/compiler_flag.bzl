"""`compiler_flag`"""

load("@kiln_builtins//cc:cc_toolchain.bzl", _compiler_flag = "compiler_flag")

compiler_flag = _compiler_flag
