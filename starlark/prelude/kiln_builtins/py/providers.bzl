"""The providers of the Python rules."""

_EMPTY = depset()

def _init_py_info(
        *,
        transitive_sources,
        imports = _EMPTY,
        uses_shared_libraries = False,
        has_py2_only_sources = False,
        has_py3_only_sources = False,
        direct_original_sources = _EMPTY,
        direct_pyc_files = _EMPTY,
        direct_pyi_files = _EMPTY,
        transitive_implicit_pyc_files = _EMPTY,
        transitive_implicit_pyc_source_files = _EMPTY,
        transitive_original_sources = _EMPTY,
        transitive_pyc_files = _EMPTY,
        transitive_pyi_files = _EMPTY,
        venv_symlinks = _EMPTY):
    return {
        "direct_original_sources": direct_original_sources,
        "direct_pyc_files": direct_pyc_files,
        "direct_pyi_files": direct_pyi_files,
        "has_py2_only_sources": has_py2_only_sources,
        "has_py3_only_sources": has_py3_only_sources,
        "imports": imports,
        "transitive_implicit_pyc_files": transitive_implicit_pyc_files,
        "transitive_implicit_pyc_source_files": transitive_implicit_pyc_source_files,
        "transitive_original_sources": transitive_original_sources,
        "transitive_pyc_files": transitive_pyc_files,
        "transitive_pyi_files": transitive_pyi_files,
        "transitive_sources": transitive_sources,
        "uses_shared_libraries": uses_shared_libraries,
        "venv_symlinks": venv_symlinks,
    }

PyInfo, _new_py_info = provider(
    doc = "What a Python dependency gives: sources, and folders for `sys.path`.",
    fields = {
        "direct_original_sources": "The target's own sources (depset).",
        "direct_pyc_files": "Nothing: nothing is compiled ahead.",
        "direct_pyi_files": "The target's own type stubs (depset).",
        "has_py2_only_sources": "False.",
        "has_py3_only_sources": "Accepted.",
        "imports": "Folders for `sys.path`, from the top of the runfiles (depset).",
        "transitive_implicit_pyc_files": "Nothing.",
        "transitive_implicit_pyc_source_files": "Nothing.",
        "transitive_original_sources": "As `transitive_sources`.",
        "transitive_pyc_files": "Nothing.",
        "transitive_pyi_files": "Type stubs, those of dependencies too (depset).",
        "transitive_sources": "Sources, those of dependencies too (depset).",
        "uses_shared_libraries": "Whether there are shared libraries among the files.",
        "venv_symlinks": "Nothing.",
    },
    init = _init_py_info,
)

PyRuntimeInfo = provider(
    doc = "A Python interpreter.",
    fields = {
        "bootstrap_template": "Nothing.",
        "coverage_files": "Nothing.",
        "coverage_tool": "Nothing.",
        "files": "Files of an interpreter that is part of the build (depset).",
        "implementation_name": "`cpython`.",
        "interpreter": "An interpreter that is part of the build.",
        "interpreter_path": "Path of an interpreter on the machine.",
        "interpreter_version_info": "A structure of `major`, `minor` and `micro`.",
        "python_version": "`PY3`.",
        "stub_shebang": "The first line of launchers.",
    },
)

PyExecutableInfo = provider(
    doc = "A Python program.",
    fields = {
        "build_data_file": "Nothing.",
        "interpreter_args": "Arguments of the interpreter.",
        "interpreter_path": "Path of the interpreter.",
        "main": "The main file.",
        "runfiles_without_exe": "Runfiles without the launcher.",
        "stage2_bootstrap": "Nothing.",
        "venv_python_exe": "Nothing.",
    },
)

PyCcLinkParamsInfo = provider(
    doc = "C++ libraries for programs that embed Python.",
    fields = {"cc_info": "Their `CcInfo`."},
)
