"""Archive and link actions."""

load("//common:paths.bzl", "dirname", "runfiles_path")

def _in_file_if_long(args):
    args.use_param_file("@%s", use_always = False)
    args.set_param_file_format("shell")

def archive(actions, cc, output, objects):
    """Puts objects into a static library, without times and owners."""
    args = actions.args()
    args.add("rcsD")
    args.add(output)
    args.add_all(objects)
    _in_file_if_long(args)
    actions.run(
        outputs = [output],
        inputs = objects,
        executable = cc.tools.ar,
        arguments = [args],
        mnemonic = "CppArchive",
        progress_message = "Archiving %{output}",
        use_default_shell_env = True,
    )

def _search_at_run_time(output, libraries):
    """Flags that let a program find shared libraries in its runfiles, from where it lies there and
    from where it is built."""
    up = "../" * len(runfiles_path(output).split("/")[:-1])
    flags = []
    for folder in {dirname(runfiles_path(library)): None for library in libraries}:
        flags.append("-Wl,-rpath,$ORIGIN/" + up + folder)
        flags.append("-Wl,-rpath,$ORIGIN/%s.runfiles/%s" % (output.basename, folder))
    return flags

def special_parts(inputs):
    """What is in linker inputs besides archives.

    Returns:
      a structure of `objects`, `shared` (libraries to link to), `runtime` (libraries to run with),
      `flags` and `files` (what flags name)
    """
    objects = []
    shared = []
    runtime = []
    flags = []
    files = []
    for input in inputs:
        flags.extend(input.user_link_flags)
        files.extend(input.additional_inputs)
        for library in input.libraries:
            if library.pic_static_library or library.static_library:
                continue
            if library.dynamic_library:
                runtime.append(library.dynamic_library)
            if library.interface_library or library.dynamic_library:
                shared.append(library.interface_library or library.dynamic_library)
            else:
                objects.extend(library.pic_objects or library.objects)
    return struct(
        files = files,
        flags = flags,
        objects = objects,
        runtime = runtime,
        shared = shared,
    )

def link(
        actions,
        cc,
        output,
        objects,
        context,
        linkopts = [],
        additional_inputs = [],
        shared = False,
        extra_flags = [],
        whole = []):
    """Links a program or a shared library.

    Args:
      actions: where to declare it
      cc: the configuration
      output: the file to make
      objects: the target's own objects
      context: the linking context
      linkopts: the target's own flags
      additional_inputs: files that these flags name
      shared: whether to make a shared library
      extra_flags: flags before everything of the user's
      whole: archives of the context that are linked whole although nothing says so

    Returns:
      the shared libraries that the result needs when it runs
    """
    parts = special_parts(context.specials.to_list())
    args = actions.args()
    args.add_all(["-o", output])
    if shared:
        args.add("-shared")
    args.add_all(cc.link_flags + extra_flags)
    args.add_all(_search_at_run_time(output, parts.runtime))
    args.add_all(objects)
    args.add_all(parts.objects)
    if context.whole_archives or whole:
        args.add("-Wl,--whole-archive")
        args.add_all(context.whole_archives)
        args.add_all(whole)
        args.add("-Wl,--no-whole-archive")
    args.add_all(context.archives)
    for library in parts.shared:
        # By its name alone: a path would be written into the result.
        args.add("-L" + (library.dirname or "."))
        args.add("-l:" + library.basename)
    args.add_all(linkopts + parts.flags + cc.linkopts)
    _in_file_if_long(args)
    actions.run(
        outputs = [output],
        inputs = depset(
            objects + parts.objects + parts.shared + parts.runtime + parts.files + additional_inputs,
            transitive = [context.whole_archives, context.archives],
        ),
        executable = cc.tools.cxx,
        arguments = [args],
        env = {"PWD": "/proc/self/cwd"},
        mnemonic = "CppLink",
        progress_message = "Linking %{output}",
        use_default_shell_env = True,
    )
    return parts.runtime
