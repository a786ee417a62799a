"""Versions of the build tool: numbers with dots between."""

def _get():
    """The version of Bazel that kiln answers for."""
    return native.bazel_version

def _number(text):
    digits = ""
    for char in text.elems():
        if not char.isdigit():
            break
        digits += char
    return int(digits or "0")

def _parse(bazel_version):
    """The version as a tuple of numbers; what follows a blank or a `-` does not count."""
    text = bazel_version.partition(" ")[0].partition("-")[0]
    return tuple([_number(part) for part in text.split(".")]) if text else ()

def _is_at_most(threshold, version):
    """Whether a version is the threshold or older."""
    return _parse(version) <= _parse(threshold)

def _is_at_least(threshold, version):
    """Whether a version is the threshold or newer."""
    return _parse(version) >= _parse(threshold)

def _check(minimum_bazel_version, maximum_bazel_version = None, bazel_version = None):
    """Fails if a version is not within bounds.

    Args:
      minimum_bazel_version: the oldest that is
      maximum_bazel_version: the newest that is; any if not given
      bazel_version: the version; that of the build tool if not given
    """
    version = bazel_version or native.bazel_version
    if not version:
        # Unreleased versions of Bazel have none, and are taken for new enough.
        return
    if not _is_at_least(minimum_bazel_version, version):
        fail("version %s is older than %s" % (version, minimum_bazel_version))
    if maximum_bazel_version and not _is_at_most(maximum_bazel_version, version):
        fail("version %s is newer than %s" % (version, maximum_bazel_version))

versions = struct(
    check = _check,
    get = _get,
    is_at_least = _is_at_least,
    is_at_most = _is_at_most,
    parse = _parse,
)
