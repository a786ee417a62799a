"""`sh_library`"""

load("@kiln_builtins//sh:sh.bzl", _sh_library = "sh_library")

sh_library = _sh_library
