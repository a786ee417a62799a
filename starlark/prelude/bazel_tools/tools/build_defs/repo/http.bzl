"""Repositories and files to download.

kiln downloads nothing: other repositories come from `--vendor_dir`, overrides and
`local_repository`. The rules can be loaded, and calling them does nothing.
"""

def _nothing(_ctx):
    pass

http_archive = repository_rule(implementation = _nothing)

http_file = repository_rule(implementation = _nothing)

http_jar = repository_rule(implementation = _nothing)
