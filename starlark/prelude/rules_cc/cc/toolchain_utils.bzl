"""Older names for getting at the C++ toolchain."""

load(":find_cc_toolchain.bzl", _find_cpp_toolchain = "find_cpp_toolchain", _use_cpp_toolchain = "use_cc_toolchain")

find_cpp_toolchain = _find_cpp_toolchain
use_cpp_toolchain = _use_cpp_toolchain
