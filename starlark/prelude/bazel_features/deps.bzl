"""For WORKSPACE files."""

def bazel_features_deps():
    """Does nothing: there is nothing to fetch."""
