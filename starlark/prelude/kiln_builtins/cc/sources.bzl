"""What the files in `srcs` are, by their names."""

# What a file is, by what follows the last dot of its name.
_KINDS = {
    "C": "cxx",
    "H": "header",
    "S": "assembler",
    "a": "archive",
    "asm": "assembler",
    "c": "c",
    "c++": "cxx",
    "cc": "cxx",
    "cpp": "cxx",
    "cxx": "cxx",
    "def": "ignored",
    "dll": "shared",
    "dylib": "shared",
    "h": "header",
    "h++": "header",
    "hh": "header",
    "hpp": "header",
    "hxx": "header",
    "inc": "header",
    "inl": "header",
    "ipp": "header",
    "lo": "alwayslink",
    "o": "object",
    "obj": "object",
    "s": "assembler",
    "so": "shared",
    "tcc": "header",
    "tlh": "header",
    "tli": "header",
}

ARCHIVE_EXTENSIONS = [".a", ".lib"]
LINKER_SCRIPT_EXTENSIONS = [".ld", ".lds", ".ldscript"]

def kind_of(file):
    """One of `c`, `cxx`, `assembler`, `header`, `archive`, `alwayslink`, `object`, `shared`,
    `ignored`; `None` if the name says nothing."""
    kind = _KINDS.get(file.extension)
    if not kind and ".so." in file.basename:
        return "shared"
    return kind

def sort_sources(files):
    """The files by kind: a dictionary of lists. Those of unknown kind are under `None`."""
    sorted_files = {}
    for file in files:
        sorted_files.setdefault(kind_of(file), []).append(file)
    return sorted_files

def check_sources(targets, label):
    """Fails if a target makes no file of a known kind, or is itself a file of unknown kind."""
    for target in targets:
        files = target[DefaultInfo].files.to_list()
        if files and not [file for file in files if kind_of(file)]:
            fail("`srcs` of %s has `%s`, which is no C or C++ source, header, object or library\nat: srcs %s\nhint: headers of any name go to `hdrs` or `textual_hdrs`, other files to `data`" % (
                label,
                files[0].short_path,
                target.label,
            ))

def to_compile(files):
    """Those of the files that are compiled, in order, as pairs with their kind."""
    pairs = [(file, kind_of(file)) for file in files]
    return [pair for pair in pairs if pair[1] in ("c", "cxx", "assembler")]
