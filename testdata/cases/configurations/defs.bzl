"""A build setting."""

SizeInfo = provider(fields = ["size"])

size = rule(
    implementation = lambda ctx: SizeInfo(size = ctx.build_setting_value),
    build_setting = config.string(flag = True),
)
