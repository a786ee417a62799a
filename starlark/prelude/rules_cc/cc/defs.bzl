"""All of the C++ rules and providers."""

load("@kiln_builtins//cc:cc_binary.bzl", _cc_binary = "cc_binary", _cc_test = "cc_test")
load("@kiln_builtins//cc:cc_common.bzl", _cc_common = "cc_common")
load("@kiln_builtins//cc:cc_import.bzl", _cc_import = "cc_import")
load("@kiln_builtins//cc:cc_library.bzl", _cc_library = "cc_library")
load("@kiln_builtins//cc:cc_shared_library.bzl", _cc_shared_library = "cc_shared_library")
load(
    "@kiln_builtins//cc:cc_toolchain.bzl",
    _cc_toolchain = "cc_toolchain",
    _cc_toolchain_suite = "cc_toolchain_suite",
    _compiler_flag = "compiler_flag",
    _fdo_prefetch_hints = "fdo_prefetch_hints",
    _fdo_profile = "fdo_profile",
)
load("@kiln_builtins//cc:objc.bzl", _objc_import = "objc_import", _objc_library = "objc_library")
load(
    "@kiln_builtins//cc:providers.bzl",
    _CcInfo = "CcInfo",
    _CcSharedLibraryInfo = "CcSharedLibraryInfo",
    _CcToolchainConfigInfo = "CcToolchainConfigInfo",
    _CcToolchainInfo = "CcToolchainInfo",
    _DebugPackageInfo = "DebugPackageInfo",
)

CcInfo = _CcInfo
CcSharedLibraryInfo = _CcSharedLibraryInfo
CcToolchainConfigInfo = _CcToolchainConfigInfo
CcToolchainInfo = _CcToolchainInfo
DebugPackageInfo = _DebugPackageInfo
cc_binary = _cc_binary
cc_common = _cc_common
cc_import = _cc_import
cc_library = _cc_library
cc_shared_library = _cc_shared_library
cc_test = _cc_test
cc_toolchain = _cc_toolchain
cc_toolchain_suite = _cc_toolchain_suite
compiler_flag = _compiler_flag
fdo_prefetch_hints = _fdo_prefetch_hints
fdo_profile = _fdo_profile
objc_import = _objc_import
objc_library = _objc_library
