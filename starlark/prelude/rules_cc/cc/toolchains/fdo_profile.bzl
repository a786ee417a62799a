"""`fdo_profile`"""

load("@kiln_builtins//cc:cc_toolchain.bzl", _fdo_profile = "fdo_profile")

fdo_profile = _fdo_profile
