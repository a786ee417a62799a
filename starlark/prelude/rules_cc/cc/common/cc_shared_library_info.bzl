"""`CcSharedLibraryInfo`"""

load("@kiln_builtins//cc:providers.bzl", _CcSharedLibraryInfo = "CcSharedLibraryInfo")

CcSharedLibraryInfo = _CcSharedLibraryInfo
