"""`write_file`: a file of given lines."""

_NEWLINES = {"auto": "\n", "unix": "\n", "windows": "\r\n"}

def _write(ctx, executable):
    newline = _NEWLINES[ctx.attr.newline]
    content = newline.join(ctx.attr.content)
    ctx.actions.write(
        output = ctx.outputs.out,
        content = content + newline if content else "",
        is_executable = executable,
    )
    files = depset([ctx.outputs.out])
    return [DefaultInfo(
        executable = ctx.outputs.out if executable else None,
        files = files,
        runfiles = ctx.runfiles(transitive_files = files),
    )]

def _write_file_impl(ctx):
    return _write(ctx, False)

def _write_xfile_impl(ctx):
    return _write(ctx, True)

_ATTRS = {
    "content": attr.string_list(doc = "The lines."),
    "newline": attr.string(
        default = "auto",
        values = ["auto", "unix", "windows"],
        doc = "How lines end.",
    ),
    "out": attr.output(mandatory = True, doc = "The file."),
}

_write_file = rule(
    implementation = _write_file_impl,
    doc = "A file of given lines.",
    provides = [DefaultInfo],
    attrs = _ATTRS,
)

_write_xfile = rule(
    implementation = _write_xfile_impl,
    doc = "A script of given lines.",
    executable = True,
    provides = [DefaultInfo],
    attrs = _ATTRS,
)

def write_file(name, out, content = [], is_executable = False, newline = "auto", **kwargs):
    """A file of given lines.

    Args:
      name: of the target
      out: the file
      content: the lines
      is_executable: whether it can be run
      newline: `auto`, `unix` or `windows`
      **kwargs: attributes of all rules
    """
    write = _write_xfile if is_executable else _write_file
    write(name = name, content = content, out = out, newline = newline or "auto", **kwargs)
