"""The version whose interface kiln answers for."""

version = "1.8.1"
