"""`sh_binary`"""

load("@kiln_builtins//sh:sh.bzl", _sh_binary = "sh_binary")

sh_binary = _sh_binary
