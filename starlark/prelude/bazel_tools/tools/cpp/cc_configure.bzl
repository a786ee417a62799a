"""For WORKSPACE files: kiln finds the C++ toolchain itself, so these do nothing."""

def cc_configure(*_args, **_kwargs):
    """Does nothing."""

def _nothing(_ctx):
    pass

cc_configure_extension = module_extension(implementation = _nothing)
