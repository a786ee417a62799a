"""Build settings: values that the command line or a transition sets, and `select` asks for."""

BuildSettingInfo = provider(
    doc = "The value of a build setting.",
    fields = {"value": "The value."},
)

def _impl(ctx):
    return [DefaultInfo(), BuildSettingInfo(value = ctx.build_setting_value)]

def _string_impl(ctx):
    value = ctx.build_setting_value
    allowed = ctx.attr.values
    values = value if type(value) == "list" else [value]
    for each in values:
        if allowed and each not in allowed:
            fail("%s must be one of [%s], not `%s`" % (ctx.label, ", ".join(allowed), each))
    providers = [DefaultInfo(), BuildSettingInfo(value = value)]
    if ctx.attr.make_variable:
        providers.append(platform_common.TemplateVariableInfo({ctx.attr.make_variable: value}))
    return providers

def _int_impl(ctx):
    value = ctx.build_setting_value
    providers = [DefaultInfo(), BuildSettingInfo(value = value)]
    if ctx.attr.make_variable:
        providers.append(platform_common.TemplateVariableInfo({ctx.attr.make_variable: str(value)}))
    return providers

_MAKE_VARIABLE = {
    "make_variable": attr.string(
        doc = "The make variable that has the value, for those who name the setting in `toolchains`.",
    ),
}

_STRING = _MAKE_VARIABLE | {
    "values": attr.string_list(doc = "The values allowed; all if not given."),
}

bool_flag = rule(
    implementation = _impl,
    build_setting = config.bool(flag = True),
    doc = "A truth value that the command line can set.",
)

bool_setting = rule(
    implementation = _impl,
    build_setting = config.bool(),
    doc = "A truth value.",
)

int_flag = rule(
    implementation = _int_impl,
    build_setting = config.int(flag = True),
    attrs = _MAKE_VARIABLE,
    doc = "A number that the command line can set.",
)

int_setting = rule(
    implementation = _int_impl,
    build_setting = config.int(),
    attrs = _MAKE_VARIABLE,
    doc = "A number.",
)

string_flag = rule(
    implementation = _string_impl,
    build_setting = config.string(flag = True),
    attrs = _STRING,
    doc = "A text that the command line can set.",
)

string_setting = rule(
    implementation = _string_impl,
    build_setting = config.string(),
    attrs = _STRING,
    doc = "A text.",
)

string_list_flag = rule(
    implementation = _impl,
    build_setting = config.string_list(flag = True),
    doc = "Texts that the command line can set, with commas between.",
)

string_list_setting = rule(
    implementation = _impl,
    build_setting = config.string_list(),
    doc = "Texts.",
)

repeatable_string_flag = rule(
    implementation = _impl,
    build_setting = config.string_list(flag = True, repeatable = True),
    doc = "Texts of which each use of the flag adds one.",
)
