"""Tests of Starlark code: assertions run while the test target is analyzed.

A test made by `unittest.make` or `analysistest.make` is a rule; its target's program only reports
what the assertions found, so that a failure is a failing test and not a failing build.
"""

load(":new_sets.bzl", new_sets = "sets")
load(":partial.bzl", "partial")
load(":types.bzl", "types")

# What Bazel's tests ask for; there is one way to report a result here.
TOOLCHAIN_TYPE = None

_SCRIPT_OK = "#!/bin/sh\nexit 0\n"

def _quote(text):
    return "'" + text.replace("'", "'\\''") + "'"

def _begin(ctx):
    """Starts a test: what the assertions take."""
    return struct(ctx = ctx, failures = [])

def _script(failures):
    if not failures:
        return _SCRIPT_OK
    lines = ["#!/bin/sh"] + ["printf '%s\\n' " + _quote(text) for text in failures] + ["exit 1"]
    return "\n".join(lines) + "\n"

def _end(env):
    """Ends a test: what its implementation must return."""
    script = env.ctx.actions.declare_file(env.ctx.label.name)
    env.ctx.actions.write(script, _script(env.failures), is_executable = True)
    return [DefaultInfo(executable = script)]

def _make(impl, attrs = {}, doc = None, toolchains = []):
    """A rule for a test.

    Args:
      impl: takes `ctx` and returns what `unittest.end` gives
      attrs: attributes of the rule
      doc: its documentation
      toolchains: toolchain types it asks for
    """
    return rule(
        implementation = impl,
        attrs = attrs | {"_impl_name": attr.string(default = str(impl))},
        doc = doc,
        test = True,
        toolchains = toolchains,
    )

def _suite(name, *test_rules):
    """Declares a target for each rule, and a suite of all of them.

    Args:
      name: of the suite
      *test_rules: rules, or `partial`s of rules
    """
    names = []
    for index, test_rule in enumerate(test_rules):
        test = "%s_test_%d" % (name, index)
        if partial.is_instance(test_rule):
            partial.call(test_rule, name = test)
        else:
            test_rule(name = test)
        names.append(":" + test)
    native.test_suite(name = name, tests = names)

def _fail(env, message):
    """Records a failure."""
    env.failures.append("In test %s: %s" % (env.ctx.label, message))

def _assert_true(env, condition, message = "Expected condition to be true, but was false."):
    if not condition:
        _fail(env, message)

def _assert_false(env, condition, message = "Expected condition to be false, but was true."):
    if condition:
        _fail(env, message)

def _assert_equals(env, expected, actual, message = None):
    if expected != actual:
        text = "Expected \"%s\", but got \"%s\"" % (expected, actual)
        _fail(env, "%s (%s)" % (message, text) if message else text)

def _assert_set_equals(env, expected, actual, message = None):
    if type(expected) != "struct" or type(actual) != "struct":
        _fail(env, "Expected two sets, but got `%s` and `%s`" % (type(expected), type(actual)))
    elif not new_sets.is_equal(expected, actual):
        missing = new_sets.to_list(new_sets.difference(expected, actual))
        unexpected = new_sets.to_list(new_sets.difference(actual, expected))
        text = "missing %r, unexpected %r" % (missing, unexpected)
        _fail(env, "%s (%s)" % (message, text) if message else text)

def _expect_failure(_env, _expected_failure_msg = ""):
    fail("tests of failing analysis are not supported yet")

asserts = struct(
    equals = _assert_equals,
    expect_failure = _expect_failure,
    false = _assert_false,
    new_set_equals = _assert_set_equals,
    set_equals = _assert_set_equals,
    true = _assert_true,
)

def _failing_impl(ctx):
    fail("%s expects the analysis of its target to fail, which is not supported yet" % ctx.label)

# ---- Tests of targets

def _analysis_make(
        impl,
        expect_failure = False,
        attrs = {},
        fragments = [],
        config_settings = {},
        extra_target_under_test_aspects = [],
        doc = None):
    """A rule for a test of another target, which it has as `target_under_test`.

    Args:
      impl: takes `ctx` and returns what `analysistest.end` gives
      expect_failure: whether the analysis of the target must fail
      attrs: attributes of the rule
      fragments: configuration fragments it reads
      config_settings: settings with which the target is analyzed
      extra_target_under_test_aspects: aspects for the target
      doc: the rule's documentation
    """
    cfg = None
    if config_settings:
        cfg = analysis_test_transition(settings = config_settings)
    target = {"mandatory": True}
    if cfg:
        target["cfg"] = cfg
    if extra_target_under_test_aspects:
        target["aspects"] = extra_target_under_test_aspects
    return rule(
        implementation = _failing_impl if expect_failure else impl,
        attrs = attrs | {
            "target_under_test": attr.label(**target),
            "_impl_name": attr.string(default = str(impl)),
        },
        doc = doc,
        fragments = fragments,
        test = True,
    )

def _target_under_test(env):
    """The target under test."""
    target = getattr(env.ctx.attr, "target_under_test")
    return target[0] if types.is_list(target) else target

def _target_actions(env):
    """The actions of the target under test."""
    return _target_under_test(env).actions

def _target_bin_dir_path(env):
    """Where the outputs of the target under test are."""
    return env.ctx.bin_dir.path

# ---- Tests of loading

def _loading_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name)
    failures = [ctx.attr.failure_message] if ctx.attr.failure_message else []
    ctx.actions.write(script, _script(failures), is_executable = True)
    return [DefaultInfo(executable = script)]

_loading_test = rule(
    implementation = _loading_impl,
    attrs = {"failure_message": attr.string()},
    doc = "Reports what an assertion found while the package was loaded.",
    test = True,
)

def _loading_make(name):
    """Starts tests that assert while the package is loaded: what `loadingtest.equals` takes."""
    native.test_suite(
        name = name + "_tests",
        tags = [name + "_test_case"],
    )
    return struct(name = name)

def _loading_equals(env, test_case, expected, actual):
    """Declares a test that passes if two values are equal."""
    message = "" if expected == actual else "Expected \"%s\", but got \"%s\"" % (expected, actual)
    _loading_test(
        name = "%s_%s" % (env.name, test_case),
        failure_message = message,
        tags = [env.name + "_test_case"],
    )

def register_unittest_toolchains():
    """Does nothing: tests need no toolchain."""

unittest = struct(
    begin = _begin,
    end = _end,
    fail = _fail,
    make = _make,
    suite = _suite,
)

analysistest = struct(
    begin = _begin,
    end = _end,
    fail = _fail,
    make = _analysis_make,
    target_actions = _target_actions,
    target_bin_dir_path = _target_bin_dir_path,
    target_under_test = _target_under_test,
)

loadingtest = struct(
    equals = _loading_equals,
    make = _loading_make,
)
