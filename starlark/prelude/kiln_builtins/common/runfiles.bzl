"""What programs and libraries need beside them when they run."""

def collect_runfiles(ctx, files = [], data = [], deps = []):
    """Runfiles of a target.

    Args:
      ctx: the rule's context
      files: files of its own
      data: targets whose files are needed
      deps: targets of which only the runfiles are needed
    """
    sets = [target[DefaultInfo].files for target in data]
    runfiles = ctx.runfiles(files = files, transitive_files = depset(transitive = sets))
    return runfiles.merge_all([target[DefaultInfo].default_runfiles for target in data + deps])
