"""Versions of Python that could be downloaded: none are."""

PLATFORMS = {}
TOOL_VERSIONS = {}
MINOR_MAPPING = {}
