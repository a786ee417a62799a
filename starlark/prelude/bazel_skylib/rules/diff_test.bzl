"""`diff_test`: a test that passes if two files are the same."""

_SCRIPT = """#!/bin/bash
set -u
find_file() {
  if [[ -e "${RUNFILES_DIR:-${TEST_SRCDIR:-$0.runfiles}}/$1" ]]; then
    echo "${RUNFILES_DIR:-${TEST_SRCDIR:-$0.runfiles}}/$1"
  else
    echo "cannot find $1 in the runfiles" >&2
    exit 1
  fi
}
one="$(find_file @FILE1@)" || exit 1
two="$(find_file @FILE2@)" || exit 1
if ! diff @ARGS@ "$one" "$two"; then
  echo "FAIL: @NAMES@ differ. "@MESSAGE@ >&2
  exit 1
fi
"""

def _quote(text):
    return "'" + text.replace("'", "'\\''") + "'"

def _runfiles_path(ctx, file):
    path = file.short_path
    return path[3:] if path.startswith("../") else ctx.workspace_name + "/" + path

def _diff_test_impl(ctx):
    one, two = ctx.file.file1, ctx.file.file2
    script = ctx.actions.declare_file(ctx.label.name + "-test.sh")
    ctx.actions.write(
        script,
        (_SCRIPT
            .replace("@FILE1@", _quote(_runfiles_path(ctx, one)))
            .replace("@FILE2@", _quote(_runfiles_path(ctx, two)))
            .replace("@ARGS@", " ".join([_quote(word) for word in ctx.attr.diff_args]))
            .replace("@NAMES@", "%s and %s" % (one.short_path, two.short_path))
            .replace("@MESSAGE@", _quote(ctx.attr.failure_message))),
        is_executable = True,
    )
    return [DefaultInfo(
        executable = script,
        files = depset([script]),
        runfiles = ctx.runfiles(files = [script, one, two]),
    )]

_diff_test = rule(
    implementation = _diff_test_impl,
    doc = "A test that passes if two files are the same.",
    test = True,
    attrs = {
        "diff_args": attr.string_list(doc = "Arguments of `diff`."),
        "failure_message": attr.string(doc = "What to add when they differ."),
        "file1": attr.label(allow_single_file = True, mandatory = True, doc = "One file."),
        "file2": attr.label(allow_single_file = True, mandatory = True, doc = "The other."),
    },
)

def diff_test(name, file1, file2, diff_args = [], size = "small", **kwargs):
    """A test that passes if two files are the same.

    Args:
      name: of the test
      file1: one file
      file2: the other
      diff_args: arguments of `diff`
      size: of the test
      **kwargs: attributes of all tests
    """
    _diff_test(name = name, file1 = file1, file2 = file2, diff_args = diff_args, size = size, **kwargs)
