"""`objc_import`"""

load("@kiln_builtins//cc:objc.bzl", _objc_import = "objc_import")

objc_import = _objc_import
