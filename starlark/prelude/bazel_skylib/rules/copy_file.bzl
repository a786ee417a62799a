"""`copy_file`: a file under another name."""

def _providers(ctx, executable):
    files = depset([ctx.outputs.out])
    return [DefaultInfo(
        executable = ctx.outputs.out if executable else None,
        files = files,
        runfiles = ctx.runfiles(transitive_files = files),
    )]

def _copy(ctx, executable):
    # A copy is what a symbolic link is to actions; `allow_symlink` is about what people see.
    ctx.actions.symlink(
        output = ctx.outputs.out,
        target_file = ctx.file.src,
        is_executable = executable,
    )
    return _providers(ctx, executable)

def _copy_file_impl(ctx):
    return _copy(ctx, False)

def _copy_xfile_impl(ctx):
    return _copy(ctx, True)

_ATTRS = {
    "allow_symlink": attr.bool(doc = "Accepted: copies cost nothing."),
    "out": attr.output(mandatory = True, doc = "The new name."),
    "src": attr.label(allow_single_file = True, mandatory = True, doc = "The file."),
}

_copy_file = rule(
    implementation = _copy_file_impl,
    doc = "A file under another name.",
    provides = [DefaultInfo],
    attrs = _ATTRS,
)

_copy_xfile = rule(
    implementation = _copy_xfile_impl,
    doc = "A program under another name.",
    executable = True,
    provides = [DefaultInfo],
    attrs = _ATTRS,
)

def copy_file(name, src, out, is_directory = False, is_executable = False, allow_symlink = False, **kwargs):
    """A file under another name.

    Args:
      name: of the target
      src: the file
      out: the new name
      is_directory: must be false: see `copy_directory`
      is_executable: whether the copy can be run
      allow_symlink: whether it may be a symbolic link
      **kwargs: attributes of all rules
    """
    if is_directory:
        fail("`copy_file` copies files; `copy_directory` copies folders")
    copy = _copy_xfile if is_executable else _copy_file
    copy(name = name, src = src, out = out, allow_symlink = allow_symlink, **kwargs)
