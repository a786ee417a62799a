"""`objc_library`"""

load("@kiln_builtins//cc:objc.bzl", _objc_library = "objc_library")

objc_library = _objc_library
