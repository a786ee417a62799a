"""How rules get at the C++ toolchain."""

load("@rules_cc//cc:find_cc_toolchain.bzl", _find_cpp_toolchain = "find_cpp_toolchain", _use_cpp_toolchain = "use_cc_toolchain")

find_cpp_toolchain = _find_cpp_toolchain
use_cpp_toolchain = _use_cpp_toolchain
