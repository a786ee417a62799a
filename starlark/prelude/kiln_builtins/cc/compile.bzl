"""Compile actions: one a source."""

load("//cc:config.bzl", "per_file_flags")
load("//cc:flags.bzl", "language_flags")

# Debug information records the folder of the compilation, which sandboxes must not show.
_ENV = {"PWD": "/proc/self/cwd"}

def _search_flags(lists):
    flags = ["-D" + define for define in lists.defines + lists.local_defines]
    for folder in lists.quotes:
        flags += ["-iquote", folder]
    flags += ["-I" + folder for folder in lists.includes]
    for folder in lists.systems:
        flags += ["-isystem", folder]
    flags += ["-F" + folder for folder in lists.frameworks]
    return flags

def _common_args(actions, cc, kind, lists, options):
    """What all sources of one kind in a target share."""
    if kind == "cxx":
        user = cc.copts + cc.cxxopts + options.copts + options.cxxopts
    elif kind == "c":
        user = cc.copts + cc.conlyopts + options.copts + options.conlyopts
    else:
        user = cc.copts + options.copts
    args = actions.args()
    args.add_all(
        cc.compile_flags +
        language_flags(kind) +
        _search_flags(lists) +
        user +
        cc.final_flags,
    )
    return args

def _object_names(name, sources):
    """A file name for each source's object: its own where no other source has the same stem, in
    a numbered folder where one has."""
    stems = {}
    for source, _ in sources:
        stem = source.basename.rpartition(".")[0]
        stems[stem] = stems.get(stem, 0) + 1
    numbers = {}
    names = []
    for source, _ in sources:
        stem = source.basename.rpartition(".")[0]
        folder = ""
        if stems[stem] > 1:
            number = numbers.get(stem, 0)
            numbers[stem] = number + 1
            folder = "%d/" % number
        names.append("_objs/%s/%s%s" % (name, folder, stem))
    return names

def compile_options(
        copts = [],
        conlyopts = [],
        cxxopts = [],
        additional_inputs = []):
    """What a target asks for, besides what is in its context."""
    return struct(
        additional_inputs = additional_inputs,
        conlyopts = conlyopts,
        copts = copts,
        cxxopts = cxxopts,
    )

def compile_all(actions, cc, name, sources, context, options):
    """Declares the compilations.

    Args:
      actions: where to declare them
      cc: the configuration
      name: of the target; objects go to a folder of that name
      sources: pairs of file and kind
      context: the compilation context
      options: the target's `compile_options`

    Returns:
      the objects, in the order of the sources
    """
    if not sources:
        return []
    common = {}
    inputs = depset(options.additional_inputs, transitive = [context.headers])
    objects = []
    for (source, kind), stem in zip(sources, _object_names(name, sources)):
        if kind not in common:
            common[kind] = _common_args(actions, cc, kind, context.lists, options)
        objects.append(_compile(actions, cc, source, kind, stem, common[kind], inputs))
    return objects

def _compile(actions, cc, source, kind, stem, common, inputs):
    object = actions.declare_file(stem + ".o")
    args = actions.args()
    args.add_all(per_file_flags(cc, source))
    outputs = [object]
    dependencies = None
    # Only sources that are preprocessed include anything.
    if source.extension not in ("s", "asm"):
        dependencies = actions.declare_file(stem + ".d")
        outputs.append(dependencies)
        args.add_all(["-MD", "-MF", dependencies])
    args.add(object, format = "-frandom-seed=%s")
    args.add_all(["-c", source, "-o", object])
    actions.run(
        outputs = outputs,
        inputs = depset([source], transitive = [inputs]),
        executable = cc.tools.cxx if kind == "cxx" else cc.tools.cc,
        arguments = [common, args],
        env = _ENV,
        mnemonic = "CppCompile",
        progress_message = "Compiling %{input}",
        use_default_shell_env = True,
        _dependency_file = dependencies,
    )
    return object
