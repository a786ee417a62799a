"""Versions of Python that could be downloaded: none are."""

TOOL_VERSIONS = {}
MINOR_MAPPING = {}
