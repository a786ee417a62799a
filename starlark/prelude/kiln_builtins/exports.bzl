"""The rules that BUILD files see without loading them, which are also the members of `native`.

The functions of packages (`glob`, `package`, `select`, …) are not here: they are the loader's.
"""

load("//cc:cc_binary.bzl", _cc_binary = "cc_binary", _cc_test = "cc_test")
load("//cc:cc_common.bzl", _cc_common = "cc_common")
load("//cc:cc_import.bzl", _cc_import = "cc_import")
load("//cc:cc_library.bzl", _cc_library = "cc_library")
load("//cc:cc_shared_library.bzl", _cc_shared_library = "cc_shared_library")
load(
    "//cc:cc_toolchain.bzl",
    _cc_toolchain = "cc_toolchain",
    _cc_toolchain_alias = "cc_toolchain_alias",
    _cc_toolchain_suite = "cc_toolchain_suite",
    _fdo_prefetch_hints = "fdo_prefetch_hints",
    _fdo_profile = "fdo_profile",
    _memprof_profile = "memprof_profile",
    _propeller_optimize = "propeller_optimize",
)
load(
    "//cc:providers.bzl",
    _CcInfo = "CcInfo",
    _CcSharedLibraryHintInfo = "CcSharedLibraryHintInfo",
    _CcSharedLibraryInfo = "CcSharedLibraryInfo",
    _CcToolchainConfigInfo = "CcToolchainConfigInfo",
    _DebugPackageInfo = "DebugPackageInfo",
)
load("//core:adhoc.bzl", _adhoc_tool = "adhoc_tool", _shell_command = "shell_command")
load(
    "//core:environments.bzl",
    _docker_environment = "docker_environment",
    _experimental_workspace_environment = "experimental_workspace_environment",
    _local_environment = "local_environment",
    _per_platform = "per_platform",
    _remote_environment = "remote_environment",
)
load("//core:filegroup.bzl", _filegroup = "filegroup")
load("//core:genrule.bzl", _genrule = "genrule")
load(
    "//core:platforms.bzl",
    _alias = "alias",
    _config_setting = "config_setting",
    _constraint_setting = "constraint_setting",
    _constraint_value = "constraint_value",
    _label_flag = "label_flag",
    _label_setting = "label_setting",
    _platform = "platform",
    _test_suite = "test_suite",
    _toolchain = "toolchain",
    _toolchain_type = "toolchain_type",
)
load(
    "//py:providers.bzl",
    _PyCcLinkParamsInfo = "PyCcLinkParamsInfo",
    _PyInfo = "PyInfo",
    _PyRuntimeInfo = "PyRuntimeInfo",
)
load("//py:py_binary.bzl", _py_binary = "py_binary", _py_test = "py_test")
load("//py:py_library.bzl", _py_library = "py_library")
load("//py:py_runtime.bzl", _py_runtime = "py_runtime")
load("//sh:sh.bzl", _sh_binary = "sh_binary", _sh_library = "sh_library", _sh_test = "sh_test")

adhoc_tool = _adhoc_tool
alias = _alias
cc_binary = _cc_binary
cc_import = _cc_import
cc_library = _cc_library
cc_shared_library = _cc_shared_library
cc_test = _cc_test
cc_toolchain = _cc_toolchain
cc_toolchain_alias = _cc_toolchain_alias
cc_toolchain_suite = _cc_toolchain_suite
config_setting = _config_setting
constraint_setting = _constraint_setting
constraint_value = _constraint_value
docker_environment = _docker_environment
experimental_workspace_environment = _experimental_workspace_environment
fdo_prefetch_hints = _fdo_prefetch_hints
fdo_profile = _fdo_profile
filegroup = _filegroup
genrule = _genrule
label_flag = _label_flag
label_setting = _label_setting
local_environment = _local_environment
memprof_profile = _memprof_profile
per_platform = _per_platform
platform = _platform
propeller_optimize = _propeller_optimize
py_binary = _py_binary
py_library = _py_library
py_runtime = _py_runtime
py_test = _py_test
remote_environment = _remote_environment
sh_binary = _sh_binary
sh_library = _sh_library
sh_test = _sh_test
shell_command = _shell_command
test_suite = _test_suite
toolchain = _toolchain
toolchain_type = _toolchain_type

# What .bzl files see without loading it, and BUILD files do not: the globals of Bazel 8.
bzl_globals = {
    "CcInfo": _CcInfo,
    "CcSharedLibraryHintInfo": _CcSharedLibraryHintInfo,
    "CcSharedLibraryInfo": _CcSharedLibraryInfo,
    "CcToolchainConfigInfo": _CcToolchainConfigInfo,
    "DebugPackageInfo": _DebugPackageInfo,
    "PyCcLinkParamsProvider": _PyCcLinkParamsInfo,
    "PyInfo": _PyInfo,
    "PyRuntimeInfo": _PyRuntimeInfo,
    "cc_common": _cc_common,
    # What protobuf's own rules ask the build tool.
    "proto_common_do_not_use": struct(
        INCOMPATIBLE_ENABLE_PROTO_TOOLCHAIN_RESOLUTION = False,
        INCOMPATIBLE_PASS_TOOLCHAIN_TYPE = True,
        external_proto_infos = lambda: [],
    ),
}
