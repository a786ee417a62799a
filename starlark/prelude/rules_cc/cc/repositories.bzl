"""For WORKSPACE files: kiln finds the C++ toolchain itself, so they do nothing."""

def rules_cc_dependencies():
    """Does nothing."""

def rules_cc_toolchains(*_args):
    """Does nothing."""
