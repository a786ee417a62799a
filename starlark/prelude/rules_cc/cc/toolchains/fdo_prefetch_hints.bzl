"""`fdo_prefetch_hints`"""

load("@kiln_builtins//cc:cc_toolchain.bzl", _fdo_prefetch_hints = "fdo_prefetch_hints")

fdo_prefetch_hints = _fdo_prefetch_hints
