"""For WORKSPACE files: kiln finds Python itself, so they do nothing."""

def py_repositories(*_args, **_kwargs):
    """Does nothing."""

def python_register_toolchains(*_args, **_kwargs):
    """Does nothing."""

def python_register_multi_toolchains(*_args, **_kwargs):
    """Does nothing."""
