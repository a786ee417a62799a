"""All of the Python rules and providers."""

load("@kiln_builtins//py:providers.bzl", _PyInfo = "PyInfo", _PyRuntimeInfo = "PyRuntimeInfo")
load("@kiln_builtins//py:py_binary.bzl", _py_binary = "py_binary", _py_test = "py_test")
load("@kiln_builtins//py:py_library.bzl", _py_library = "py_library")
load(
    "@kiln_builtins//py:py_runtime.bzl",
    _current_py_toolchain = "current_py_toolchain",
    _py_runtime = "py_runtime",
    _py_runtime_pair = "py_runtime_pair",
)

PyInfo = _PyInfo
PyRuntimeInfo = _PyRuntimeInfo
current_py_toolchain = _current_py_toolchain
py_binary = _py_binary
py_library = _py_library
py_runtime = _py_runtime
py_runtime_pair = _py_runtime_pair
py_test = _py_test

def py_import(name, **kwargs):
    """A `py_library` under another name."""
    _py_library(name = name, **kwargs)
