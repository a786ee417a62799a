"""For WORKSPACE files."""

def bazel_skylib_workspace():
    """Does nothing: there is nothing to register."""
