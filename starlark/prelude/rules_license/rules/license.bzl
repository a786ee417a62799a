"""`license`"""

load(":providers.bzl", "LicenseInfo", "LicenseKindInfo")

def _license_impl(ctx):
    text = ctx.file.license_text
    return [
        DefaultInfo(files = depset([text] if text else [])),
        LicenseInfo(
            copyright_notice = ctx.attr.copyright_notice,
            label = ctx.label,
            license_kinds = tuple([kind[LicenseKindInfo] for kind in ctx.attr.license_kinds]),
            license_text = text,
            package_name = ctx.attr.package_name or ctx.label.package or "unknown",
            package_url = ctx.attr.package_url,
            package_version = ctx.attr.package_version,
        ),
    ]

_license = rule(
    implementation = _license_impl,
    doc = "What the targets of a package are licensed under.",
    provides = [LicenseInfo],
    attrs = {
        "copyright_notice": attr.string(doc = "The copyright notice."),
        "license_kinds": attr.label_list(providers = [LicenseKindInfo], doc = "Which kinds."),
        "license_text": attr.label(allow_single_file = True, doc = "The text."),
        "namespace": attr.string(doc = "Accepted and ignored."),
        "package_name": attr.string(doc = "What is licensed."),
        "package_url": attr.string(doc = "Where it comes from."),
        "package_version": attr.string(doc = "Its version."),
    },
)

def license(
        name,
        license_text = None,
        license_kind = None,
        license_kinds = [],
        visibility = ["//visibility:public"],
        **kwargs):
    """What the targets of a package are licensed under.

    Args:
      name: of the target
      license_text: the file; none if not given
      license_kind: one kind, instead of `license_kinds`
      license_kinds: the kinds
      visibility: of the target
      **kwargs: everything else
    """
    if license_kind:
        if license_kinds:
            fail("`license_kind` and `license_kinds` must not both be given")
        license_kinds = [license_kind]
    _license(
        name = name,
        license_kinds = license_kinds,
        license_text = license_text,
        visibility = visibility,
        **kwargs
    )
