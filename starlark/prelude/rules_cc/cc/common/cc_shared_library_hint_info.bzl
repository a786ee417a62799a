"""`CcSharedLibraryHintInfo`"""

load("@kiln_builtins//cc:providers.bzl", _CcSharedLibraryHintInfo = "CcSharedLibraryHintInfo")

CcSharedLibraryHintInfo = _CcSharedLibraryHintInfo
