"""`license_kind`"""

load(":providers.bzl", "LicenseKindInfo")

def _license_kind_impl(ctx):
    return [DefaultInfo(), LicenseKindInfo(
        conditions = ctx.attr.conditions,
        label = ctx.label,
        long_name = ctx.attr.long_name,
        name = ctx.label.name,
    )]

license_kind = rule(
    implementation = _license_kind_impl,
    doc = "A kind of license.",
    provides = [LicenseKindInfo],
    attrs = {
        "canonical_text": attr.label(allow_single_file = True, doc = "Its text."),
        "conditions": attr.string_list(doc = "What it asks for."),
        "long_name": attr.string(doc = "Its name in full."),
        "url": attr.string(doc = "Where it is published."),
    },
)
