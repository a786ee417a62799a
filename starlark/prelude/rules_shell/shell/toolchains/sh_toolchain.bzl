"""`sh_toolchain`"""

load("@kiln_builtins//sh:sh_toolchain.bzl", _sh_toolchain = "sh_toolchain")

sh_toolchain = _sh_toolchain
