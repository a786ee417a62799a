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

SOURCE_EXTENSIONS = ["." + extension for extension in _KINDS]
HEADER_EXTENSIONS = ["." + extension for extension, kind in _KINDS.items() if kind == "header"]
ARCHIVE_EXTENSIONS = [".a", ".lib"]
SHARED_EXTENSIONS = [".so", ".dylib", ".dll"]
LINKER_SCRIPT_EXTENSIONS = [".ld", ".lds", ".ldscript"]

def kind_of(file):
    """One of `c`, `cxx`, `assembler`, `header`, `archive`, `alwayslink`, `object`, `shared`,
    `ignored`; `None` if the name says nothing."""
    kind = _KINDS.get(file.extension)
    if not kind and ".so." in file.basename:
        return "shared"
    return kind

def sort_sources(files):
    """The files by kind: a dictionary of lists, without those of unknown kind."""
    sorted_files = {}
    for file in files:
        kind = kind_of(file)
        if kind:
            sorted_files.setdefault(kind, []).append(file)
    return sorted_files

def to_compile(files):
    """Those of the files that are compiled, in order, as pairs with their kind."""
    pairs = [(file, kind_of(file)) for file in files]
    return [pair for pair in pairs if pair[1] in ("c", "cxx", "assembler")]
