"""`cc_common`: what rules of other languages use to compile and link C++."""

load("//cc:compile.bzl", "compile_all", "compile_options")
load("//cc:config.bzl", "cc_config", "is_enabled")
load(
    "//cc:contexts.bzl",
    "compilation_context",
    "extend_compilation",
    "library_to_link",
    "linker_input",
    "linking_context",
    "merge_compilation",
    "merge_linking",
)
load("//cc:headers.bzl", "virtual_headers")
load("//cc:link.bzl", "archive", "link")
load("//cc:providers.bzl", "CcInfo", "CcToolchainConfigInfo", "CcToolchainInfo")
load("//cc:sources.bzl", "to_compile")

def _list(values):
    """A list of what is given as a list, a depset or not at all."""
    if not values:
        return []
    return values.to_list() if type(values) == "depset" else list(values)

def _configure_features(*, ctx = None, cc_toolchain, language = None, requested_features = None, unsupported_features = None):
    if not ctx:
        fail("`cc_common.configure_features` needs `ctx`")
    return cc_config(
        ctx,
        cc_toolchain.tools,
        requested_features,
        unsupported_features,
    )

def _is_enabled(*, feature_configuration, feature_name):
    # Position independent code is what this toolchain always makes.
    if feature_name in ("pic", "supports_pic", "static_linking_mode", "supports_dynamic_linker"):
        return True
    return is_enabled(feature_configuration, feature_name)

def _merge_cc_infos(*, direct_cc_infos = [], cc_infos = []):
    infos = direct_cc_infos + cc_infos
    return CcInfo(
        compilation_context = merge_compilation([info.compilation_context for info in infos]),
        linking_context = merge_linking([info.linking_context for info in infos]),
    )

def _merge_compilation_contexts(*, compilation_contexts = [], non_exported_compilation_contexts = []):
    return merge_compilation(compilation_contexts)

def _merge_linking_contexts(*, linking_contexts = []):
    return merge_linking(linking_contexts)

def _create_compilation_context(
        *,
        headers = None,
        system_includes = None,
        includes = None,
        quote_includes = None,
        framework_includes = None,
        defines = None,
        local_defines = None,
        headers_checking_mode = None,
        direct_public_headers = [],
        direct_private_headers = [],
        direct_textual_headers = [],
        **_ignored):
    return compilation_context(
        headers = depset(transitive = [headers]) if headers else depset(),
        public_headers = direct_public_headers,
        private_headers = direct_private_headers,
        textual_headers = direct_textual_headers,
        includes = _list(includes),
        quote_includes = _list(quote_includes),
        system_includes = _list(system_includes),
        framework_includes = _list(framework_includes),
        defines = _list(defines),
        local_defines = _list(local_defines),
    )

def _create_library_to_link(
        *,
        actions,
        feature_configuration = None,
        cc_toolchain = None,
        static_library = None,
        pic_static_library = None,
        dynamic_library = None,
        interface_library = None,
        pic_objects = [],
        objects = [],
        alwayslink = False,
        dynamic_library_symlink_path = "",
        interface_library_symlink_path = ""):
    return library_to_link(
        static_library = pic_static_library or static_library,
        dynamic_library = dynamic_library,
        interface_library = interface_library,
        objects = pic_objects or objects,
        alwayslink = alwayslink,
    )

def _create_linker_input(*, owner, libraries = None, user_link_flags = [], additional_inputs = None, linkstamps = None):
    flags = []
    for flag in _list(user_link_flags):
        flags += flag if type(flag) == "list" else [flag]
    return linker_input(
        owner = owner,
        libraries = _list(libraries),
        user_link_flags = flags,
        additional_inputs = _list(additional_inputs),
        linkstamps = _list(linkstamps),
    )

def _create_linking_context(*, linker_inputs = None, libraries_to_link = None, user_link_flags = None, additional_inputs = [], owner = None, **_ignored):
    inputs = _list(linker_inputs)
    if libraries_to_link or user_link_flags:
        inputs.append(_create_linker_input(
            owner = owner,
            libraries = libraries_to_link,
            user_link_flags = user_link_flags or [],
            additional_inputs = additional_inputs,
        ))
    return linking_context(inputs)

def _create_compilation_outputs(*, objects = None, pic_objects = None, **_ignored):
    files = _list(pic_objects) or _list(objects)
    return struct(objects = files, pic_objects = files)

def _merge_compilation_outputs(*, compilation_outputs = []):
    files = [object for outputs in compilation_outputs for object in outputs.pic_objects]
    return struct(objects = files, pic_objects = files)

def _sources(srcs):
    # Bazel takes pairs of a file and a label, too.
    return [source[0] if type(source) == "tuple" else source for source in _list(srcs)]

def _compile(
        *,
        actions,
        feature_configuration,
        cc_toolchain,
        name,
        srcs = [],
        public_hdrs = [],
        private_hdrs = [],
        textual_hdrs = [],
        additional_inputs = [],
        includes = [],
        quote_includes = [],
        system_includes = [],
        framework_includes = [],
        defines = [],
        local_defines = [],
        include_prefix = "",
        strip_include_prefix = "",
        user_compile_flags = [],
        conly_flags = [],
        cxx_flags = [],
        compilation_contexts = [],
        implementation_compilation_contexts = [],
        **_ignored):
    cc = feature_configuration
    public = _sources(public_hdrs)
    private = _sources(private_hdrs)
    textual = _list(textual_hdrs)
    links, folders = virtual_headers(
        actions,
        cc,
        name,
        public + textual,
        strip_include_prefix,
        include_prefix,
    )
    own = compilation_context(
        headers = depset(public + private + textual + links),
        public_headers = public + links,
        private_headers = private,
        textual_headers = textual,
        includes = folders + _list(includes),
        quote_includes = cc.quotes + _list(quote_includes),
        system_includes = _list(system_includes),
        framework_includes = _list(framework_includes),
        defines = _list(defines),
        local_defines = _list(local_defines),
    )
    context = extend_compilation(own, compilation_contexts)
    objects = compile_all(
        actions,
        cc,
        name,
        to_compile(_sources(srcs)),
        extend_compilation(context, implementation_compilation_contexts),
        compile_options(
            copts = _list(user_compile_flags),
            conlyopts = _list(conly_flags),
            cxxopts = _list(cxx_flags),
            additional_inputs = _list(additional_inputs),
        ),
    )
    return context, struct(objects = objects, pic_objects = objects)

def _link_library(
        *,
        actions,
        feature_configuration,
        cc_toolchain,
        name,
        compilation_outputs,
        user_link_flags = [],
        linking_contexts = [],
        additional_inputs = [],
        alwayslink = False,
        disallow_static_libraries = False,
        disallow_dynamic_library = False,
        **_ignored):
    """A static library of the objects, as a linking context."""
    cc = feature_configuration
    folder, slash, base = name.rpartition("/")
    libraries = []
    outputs = struct(library_to_link = None, executable = None)
    if compilation_outputs.pic_objects and not disallow_static_libraries:
        suffix = ".lo" if alwayslink else ".a"
        file = actions.declare_file(folder + slash + "lib" + base + suffix)
        archive(actions, cc, file, compilation_outputs.pic_objects)
        library = library_to_link(
            static_library = file,
            objects = compilation_outputs.pic_objects,
            alwayslink = alwayslink,
        )
        libraries = [library]
        outputs = struct(library_to_link = library, executable = None)
    input = linker_input(
        owner = cc.label,
        libraries = libraries,
        user_link_flags = _list(user_link_flags),
        additional_inputs = _list(additional_inputs),
    )
    return linking_context([input], linking_contexts), outputs

def _link(
        *,
        actions,
        feature_configuration,
        cc_toolchain,
        name,
        compilation_outputs = None,
        user_link_flags = [],
        linking_contexts = [],
        output_type = "executable",
        additional_inputs = [],
        main_output = None,
        **_ignored):
    if output_type not in ("executable", "dynamic_library"):
        fail("`output_type` must be `executable` or `dynamic_library`, not `%s`" % output_type)
    shared = output_type == "dynamic_library"
    folder, slash, base = name.rpartition("/")
    file = main_output or actions.declare_file(
        folder + slash + "lib" + base + ".so" if shared else name,
    )
    link(
        actions,
        feature_configuration,
        file,
        compilation_outputs.pic_objects if compilation_outputs else [],
        merge_linking(linking_contexts),
        linkopts = _list(user_link_flags),
        additional_inputs = _list(additional_inputs),
        shared = shared,
    )
    library = library_to_link(dynamic_library = file) if shared else None
    return struct(executable = None if shared else file, library_to_link = library)

def _variables(**values):
    return struct(**values)

def _get_tool_for_action(*, feature_configuration, action_name):
    tools = feature_configuration.tools
    if action_name.startswith("c++-link-static"):
        return tools.ar
    if action_name == "strip":
        return tools.strip
    return tools.cxx if "c++" in action_name else tools.cc

def _get_command_line(*, feature_configuration, action_name, variables):
    cc = feature_configuration
    if "link" in action_name:
        return cc.link_flags + _list(getattr(variables, "user_link_flags", None)) + cc.linkopts
    flags = cc.compile_flags + _list(getattr(variables, "user_compile_flags", None))
    for define in _list(getattr(variables, "preprocessor_defines", None)):
        flags.append("-D" + define)
    for folder in _list(getattr(variables, "quote_include_directories", None)):
        flags += ["-iquote", folder]
    for folder in _list(getattr(variables, "include_directories", None)):
        flags.append("-I" + folder)
    for folder in _list(getattr(variables, "system_include_directories", None)):
        flags += ["-isystem", folder]
    flags += cc.final_flags
    source = getattr(variables, "source_file", None)
    output = getattr(variables, "output_file", None)
    return flags + (["-c", source] if source else []) + (["-o", output] if output else [])

def _get_environment_variables(*, feature_configuration, action_name, variables):
    return {"PWD": "/proc/self/cwd"}

def _get_execution_requirements(*, feature_configuration, action_name):
    return []

def _create_cc_toolchain_config_info(*, ctx, toolchain_identifier = "", compiler = "", **_ignored):
    return CcToolchainConfigInfo(compiler = compiler, toolchain_identifier = toolchain_identifier)

cc_common = struct(
    CcToolchainInfo = CcToolchainInfo,
    action_is_enabled = lambda *, feature_configuration, action_name: True,
    compile = _compile,
    configure_features = _configure_features,
    create_cc_toolchain_config_info = _create_cc_toolchain_config_info,
    create_compilation_context = _create_compilation_context,
    create_compilation_outputs = _create_compilation_outputs,
    create_compile_variables = _variables,
    create_debug_context = lambda *_: struct(),
    create_library_to_link = _create_library_to_link,
    create_link_variables = _variables,
    create_linker_input = _create_linker_input,
    create_linking_context = _create_linking_context,
    create_linking_context_from_compilation_outputs = _link_library,
    do_not_use_tools_cpp_compiler_present = None,
    get_environment_variables = _get_environment_variables,
    get_execution_requirements = _get_execution_requirements,
    get_memory_inefficient_command_line = _get_command_line,
    get_tool_for_action = _get_tool_for_action,
    is_cc_toolchain_resolution_enabled_do_not_use = lambda *, ctx: True,
    is_enabled = _is_enabled,
    merge_cc_infos = _merge_cc_infos,
    merge_compilation_contexts = _merge_compilation_contexts,
    merge_compilation_outputs = _merge_compilation_outputs,
    merge_debug_context = lambda *_: struct(),
    merge_linking_contexts = _merge_linking_contexts,
    link = _link,
)
