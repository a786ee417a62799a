"""Module extension: kiln finds Python itself, so it does nothing."""

def _nothing(_ctx):
    pass

python = module_extension(implementation = _nothing)
