"""`cc_shared_library`"""

load("@kiln_builtins//cc:cc_shared_library.bzl", _cc_shared_library = "cc_shared_library")

cc_shared_library = _cc_shared_library
