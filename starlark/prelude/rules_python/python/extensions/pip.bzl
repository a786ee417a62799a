"""Module extension: kiln fetches no packages, so it does nothing."""

def _nothing(_ctx):
    pass

pip = module_extension(implementation = _nothing)
