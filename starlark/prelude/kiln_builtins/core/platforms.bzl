"""Configuration conditions, platforms and toolchains: rules that the engine analyzes itself.

Their attributes are declared here; their meaning is in the engine.
"""

alias = rule(
    _builtin = "alias",
    doc = "Another name for a target.",
    attrs = {
        "actual": attr.label(allow_files = True, mandatory = True, doc = "The target."),
    },
)

config_setting = rule(
    _builtin = "config_setting",
    doc = "A condition for `select`: true if all that it names is as it says.",
    attrs = {
        "constraint_values": attr.label_list(
            doc = "Constraint values of the target platform.",
            configurable = False,
        ),
        "define_values": attr.string_dict(
            doc = "Values of `--define`.",
            configurable = False,
        ),
        "flag_values": attr.label_keyed_string_dict(
            doc = "Values of build settings.",
            configurable = False,
        ),
        "values": attr.string_dict(
            doc = "Values of native flags (`compilation_mode`, `cpu`, `define`, …).",
            configurable = False,
        ),
    },
)

constraint_setting = rule(
    _builtin = "constraint_setting",
    doc = "A property in which platforms differ.",
    attrs = {
        # The engine reads the label without loading it: the value depends on the setting.
        "default_constraint_value": attr.label(
            doc = "The value of platforms that name none.",
            configurable = False,
        ),
    },
)

constraint_value = rule(
    _builtin = "constraint_value",
    doc = "One value of a constraint setting.",
    attrs = {
        "constraint_setting": attr.label(
            mandatory = True,
            doc = "The setting.",
            configurable = False,
        ),
    },
)

platform = rule(
    _builtin = "platform",
    doc = "A kind of machine, as a set of constraint values.",
    attrs = {
        "allowed_toolchain_types": attr.label_list(configurable = False, doc = "Accepted."),
        "check_toolchain_types": attr.bool(configurable = False, doc = "Accepted."),
        "constraint_values": attr.label_list(configurable = False, doc = "Its constraint values."),
        "exec_properties": attr.string_dict(
            configurable = False,
            doc = "Properties for remote execution.",
        ),
        "flags": attr.string_list(configurable = False, doc = "Flags that hold on the platform."),
        "missing_toolchain_error": attr.string(configurable = False, doc = "Accepted."),
        "parents": attr.label_list(
            configurable = False,
            doc = "The platform whose values it takes over, at most one.",
        ),
        "remote_execution_properties": attr.string(
            configurable = False,
            doc = "An older form of `exec_properties`.",
        ),
        "required_settings": attr.label_list(configurable = False, doc = "Accepted."),
    },
)

toolchain = rule(
    _builtin = "toolchain",
    doc = "Says where a toolchain can run and what it can build for.",
    attrs = {
        "exec_compatible_with": attr.label_list(
            configurable = False,
            doc = "What the machine that runs it must be.",
        ),
        "target_settings": attr.label_list(
            configurable = False,
            doc = "Conditions that must hold.",
        ),
        # Read without loading it: only a chosen toolchain is analyzed.
        "toolchain": attr.label(mandatory = True, configurable = False, doc = "The toolchain."),
        "toolchain_type": attr.label(mandatory = True, configurable = False, doc = "Its type."),
        "use_target_platform_constraints": attr.bool(
            configurable = False,
            doc = "Whether it runs where its results do.",
        ),
    },
)

toolchain_type = rule(
    _builtin = "toolchain_type",
    doc = "A kind of toolchain that rules can ask for.",
    attrs = {
        "no_match_error": attr.string(configurable = False, doc = "What to say if there is none."),
    },
)

label_flag = rule(
    _builtin = "label_flag",
    doc = "An alias that the command line can point elsewhere.",
    attrs = {
        "build_setting_default": attr.label(
            allow_files = True,
            mandatory = True,
            configurable = False,
            doc = "Where it points if nothing else is said.",
        ),
    },
)

label_setting = rule(
    _builtin = "label_setting",
    doc = "An alias that a transition can point elsewhere.",
    attrs = {
        "build_setting_default": attr.label(
            allow_files = True,
            mandatory = True,
            configurable = False,
            doc = "Where it points if nothing else is said.",
        ),
    },
)

test_suite = rule(
    _builtin = "test_suite",
    doc = "Tests under one name.",
    attrs = {
        "tests": attr.label_list(
            configurable = False,
            doc = "The tests and suites; all tests of the package if there are none.",
        ),
    },
)
