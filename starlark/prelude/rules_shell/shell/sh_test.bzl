"""`sh_test`"""

load("@kiln_builtins//sh:sh.bzl", _sh_test = "sh_test")

sh_test = _sh_test
