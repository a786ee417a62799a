"""Compilation and linking contexts: how they are made and put together.

Lists that stay short however many dependencies there are (folders to search, definitions) are
merged when a target is analyzed, so that no command line has to walk the whole graph for them;
headers and libraries are depsets and never listed.
"""

_EMPTY = depset()
_EMPTY_TOPOLOGICAL = depset(order = "topological")

def unique(lists):
    """All items of the lists, each once, in the order of their first appearance."""
    first = lists[0] if lists else []
    others = [items for items in lists if items and items != first]
    if not others:
        return first
    seen = {}
    for items in lists:
        for item in items:
            seen[item] = None
    return seen.keys()

def _set(items):
    return depset(items) if items else _EMPTY

def compilation_context(
        headers = _EMPTY,
        public_headers = [],
        private_headers = [],
        textual_headers = [],
        includes = [],
        quote_includes = [],
        system_includes = [],
        framework_includes = [],
        defines = [],
        local_defines = []):
    """A context of exactly this.

    Args:
      headers: all headers, those of dependencies too (depset)
      public_headers: the target's own `hdrs`
      private_headers: the headers in its `srcs`
      textual_headers: its `textual_hdrs`
      includes: folders for `-I`
      quote_includes: folders for `-iquote`
      system_includes: folders for `-isystem`
      framework_includes: folders for `-F`
      defines: for `-D`, here and in dependents
      local_defines: for `-D`, here only
    """
    return struct(
        headers = headers,
        direct_headers = public_headers + private_headers + textual_headers,
        direct_public_headers = public_headers,
        direct_private_headers = private_headers,
        direct_textual_headers = textual_headers,
        includes = _set(includes),
        quote_includes = _set(quote_includes),
        system_includes = _set(system_includes),
        external_includes = _EMPTY,
        framework_includes = _set(framework_includes),
        defines = _set(defines),
        local_defines = _set(local_defines),
        validation_artifacts = _EMPTY,
        lists = struct(
            defines = defines,
            frameworks = framework_includes,
            includes = includes,
            local_defines = local_defines,
            quotes = quote_includes,
            systems = system_includes,
        ),
    )

def extend_compilation(own, contexts):
    """A context and those of its dependencies, as dependents see them.

    `own` keeps its direct headers and local definitions; those of dependencies are not taken over.
    """
    if not contexts:
        return own
    lists = [own.lists] + [context.lists for context in contexts]
    return compilation_context(
        headers = depset(transitive = [own.headers] + [context.headers for context in contexts]),
        public_headers = own.direct_public_headers,
        private_headers = own.direct_private_headers,
        textual_headers = own.direct_textual_headers,
        includes = unique([each.includes for each in lists]),
        quote_includes = unique([each.quotes for each in lists]),
        system_includes = unique([each.systems for each in lists]),
        framework_includes = unique([each.frameworks for each in lists]),
        defines = unique([each.defines for each in lists]),
        local_defines = own.lists.local_defines,
    )

EMPTY_COMPILATION = compilation_context()

def merge_compilation(contexts):
    """Contexts of several dependencies as one."""
    if len(contexts) == 1:
        return contexts[0]
    return extend_compilation(EMPTY_COMPILATION, contexts)

def library_to_link(
        static_library = None,
        dynamic_library = None,
        interface_library = None,
        objects = [],
        alwayslink = False):
    """A library in its forms (Bazel: `LibraryToLink`)."""
    objects = tuple(objects)  # what is in depsets must not change
    return struct(
        alwayslink = alwayslink,
        dynamic_library = dynamic_library,
        interface_library = interface_library,
        objects = objects,
        pic_objects = objects,
        pic_static_library = static_library,
        resolved_symlink_dynamic_library = dynamic_library,
        resolved_symlink_interface_library = interface_library,
        static_library = static_library,
    )

def linker_input(owner, libraries = [], user_link_flags = [], additional_inputs = [], linkstamps = []):
    """What one target adds to linking (Bazel: `LinkerInput`)."""
    return struct(
        additional_inputs = tuple(additional_inputs),
        libraries = tuple(libraries),
        linkstamps = tuple(linkstamps),
        owner = owner,
        user_link_flags = tuple(user_link_flags),
    )

def _is_special(input):
    """Whether there is more to it than archives."""
    if input.user_link_flags or input.additional_inputs:
        return True
    for library in input.libraries:
        if not library.static_library and not library.pic_static_library:
            return True
    return False

def linking_context(inputs, contexts = []):
    """A context of these linker inputs and those of dependencies.

    `archives` and `whole_archives` repeat the static libraries of `linker_inputs` as files, and
    `specials` those inputs that are more than that, so that most linking lists nothing. `own` are
    the archives of `inputs`.
    """
    archives = []
    whole = []
    for input in inputs:
        for library in input.libraries:
            archive = library.pic_static_library or library.static_library
            if archive:
                (whole if library.alwayslink else archives).append(archive)

    def merged(own, name):
        sets = [getattr(context, name) for context in contexts]
        if not own and not sets:
            return _EMPTY_TOPOLOGICAL
        return depset(own, transitive = sets, order = "topological")

    return struct(
        archives = merged(archives, "archives"),
        linker_inputs = merged(inputs, "linker_inputs"),
        own = archives,
        specials = merged([input for input in inputs if _is_special(input)], "specials"),
        whole_archives = merged(whole, "whole_archives"),
    )

EMPTY_LINKING = linking_context([])

def merge_linking(contexts):
    """Contexts of several dependencies as one."""
    if len(contexts) == 1:
        return contexts[0]
    return linking_context([], contexts)
