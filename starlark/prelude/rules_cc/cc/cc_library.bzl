"""`cc_library`"""

load("@kiln_builtins//cc:cc_library.bzl", _cc_library = "cc_library")

cc_library = _cc_library
