"""Repositories in folders.

kiln downloads nothing: other repositories come from `--vendor_dir`, overrides and
`local_repository`. The rules can be loaded, and calling them does nothing.
"""

def _nothing(_ctx):
    pass

local_repository = repository_rule(implementation = _nothing)

new_local_repository = repository_rule(implementation = _nothing)
