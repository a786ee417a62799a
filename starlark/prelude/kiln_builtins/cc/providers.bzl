"""The providers of the C++ rules."""

load("//cc:contexts.bzl", "EMPTY_COMPILATION", "EMPTY_LINKING")

def _init_cc_info(*, compilation_context = None, linking_context = None, debug_context = None, cc_native_library_info = None):
    return {
        "compilation_context": compilation_context or EMPTY_COMPILATION,
        "linking_context": linking_context or EMPTY_LINKING,
        "_debug_context": debug_context,
        "_legacy_transitive_native_libraries": cc_native_library_info,
    }

CcInfo, _new_cc_info = provider(
    doc = "What a C++ dependency gives: headers and how to find them; libraries and how to link them.",
    fields = {
        "compilation_context": "For compilations.",
        "linking_context": "For linking.",
        "_debug_context": "Nothing yet.",
        "_legacy_transitive_native_libraries": "Nothing yet.",
    },
    init = _init_cc_info,
)

CcToolchainInfo = provider(
    doc = "A C++ toolchain.",
    fields = {
        "all_files": "Its files.",
        "ar_executable": "Path of the archiver.",
        "compiler": "`gcc` or `clang`.",
        "compiler_executable": "Path of the compiler.",
        "cpu": "The processor it builds for.",
        "libc": "The C library.",
        "objcopy_executable": "Path of `objcopy`.",
        "strip_executable": "Path of `strip`.",
        "sysroot": "The system root, if it is not the machine's.",
        "target_gnu_system_name": "What it builds for.",
        "toolchain_id": "Its name.",
        "tools": "The tools themselves.",
    },
)

CcSharedLibraryInfo = provider(
    doc = "A `cc_shared_library`.",
    fields = {
        "dynamic_deps": "The shared libraries it is linked to (depset).",
        "exports": "Labels of the libraries it offers.",
        "link_once_static_libs": "Labels of all libraries that are inside.",
        "linker_input": "How to link to it.",
    },
)

CcSharedLibraryHintInfo = provider(
    doc = "Where to look for libraries behind other rules.",
    fields = {"attributes": "Names of attributes.", "owners": "Labels."},
)

CcTestRunnerInfo = provider(doc = "Accepted.", fields = ["linkopts", "linkstatic"])

DebugPackageInfo = provider(
    doc = "A program with and without debug information.",
    fields = ["dwp_file", "stripped_file", "target_label", "unstripped_file"],
)

CcToolchainConfigInfo = provider(
    doc = "A description of a C++ toolchain: accepted, not used.",
    fields = {"compiler": "The compiler's name.", "toolchain_identifier": "The description's name."},
)
