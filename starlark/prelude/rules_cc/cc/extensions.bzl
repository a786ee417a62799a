"""Module extensions: kiln finds the C++ toolchain itself, so they do nothing."""

def _nothing(_ctx):
    pass

cc_configure_extension = module_extension(implementation = _nothing)
compatibility_proxy = module_extension(implementation = _nothing)
