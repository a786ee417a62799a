"""`copy_directory`: a folder under another name."""

def _copy_directory_impl(ctx):
    if not ctx.file.src.is_directory:
        fail("`src` of %s is no folder: %s" % (ctx.label, ctx.file.src.path))
    out = ctx.actions.declare_directory(ctx.attr.out)
    ctx.actions.run_shell(
        outputs = [out],
        inputs = [ctx.file.src],
        command = "cp -RL -- \"$1/.\" \"$2\"",
        arguments = [ctx.file.src.path, out.path],
        mnemonic = "CopyDirectory",
        progress_message = "Copying folder %{input}",
        use_default_shell_env = True,
    )
    files = depset([out])
    return [DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files))]

_copy_directory = rule(
    implementation = _copy_directory_impl,
    doc = "A folder under another name.",
    provides = [DefaultInfo],
    attrs = {
        # A name that no rule declares ahead: what is made is a folder.
        "out": attr.string(mandatory = True, doc = "The new name."),
        "src": attr.label(allow_single_file = True, mandatory = True, doc = "The folder."),
    },
)

def copy_directory(name, src, out, **kwargs):
    """A folder under another name.

    Args:
      name: of the target
      src: the folder
      out: the new name
      **kwargs: attributes of all rules
    """
    _copy_directory(name = name, src = src, out = out, **kwargs)
