"""For WORKSPACE files: kiln finds the shell itself, so they do nothing."""

def rules_shell_dependencies():
    """Does nothing."""

def rules_shell_toolchains(*_args, **_kwargs):
    """Does nothing."""
