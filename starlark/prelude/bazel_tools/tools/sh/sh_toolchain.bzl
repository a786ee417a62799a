"""`current_sh_toolchain`, `sh_toolchain`"""

load(
    "@kiln_builtins//sh:sh_toolchain.bzl",
    _current_sh_toolchain = "current_sh_toolchain",
    _sh_toolchain = "sh_toolchain",
)

current_sh_toolchain = _current_sh_toolchain
sh_toolchain = _sh_toolchain
