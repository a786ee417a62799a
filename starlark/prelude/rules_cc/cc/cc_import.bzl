"""`cc_import`"""

load("@kiln_builtins//cc:cc_import.bzl", _cc_import = "cc_import")

cc_import = _cc_import
