"""Packages from an index: kiln fetches none, so these load and do nothing."""

def compile_pip_requirements(
        name,
        src = None,
        requirements_in = None,
        requirements_txt = None,
        visibility = ["//visibility:private"],
        tags = None,
        **_ignored):
    """Declares the targets that Bazel's has, as groups of the requirement files.

    Args:
      name: of the group
      src: the requirements as written
      requirements_in: an older name of `src`
      requirements_txt: the requirements as resolved
      visibility: of the group
      tags: of the group
      **_ignored: everything else
    """
    files = [file for file in [src or requirements_in, requirements_txt] if type(file) == "string"]
    native.filegroup(name = name, srcs = files, visibility = visibility, tags = tags)

def pip_parse(*_args, **_kwargs):
    """Does nothing."""

def pip_install(*_args, **_kwargs):
    """Does nothing."""

def package_annotation(**kwargs):
    """Its arguments as a text."""
    return json.encode(kwargs)

pip_utils = struct(normalize_name = lambda name: name.replace("-", "_").replace(".", "_").lower())
