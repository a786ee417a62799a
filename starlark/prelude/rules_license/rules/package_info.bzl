"""`package_info`"""

load(":providers.bzl", "PackageInfo")

def _package_info_impl(ctx):
    return [DefaultInfo(), PackageInfo(
        label = ctx.label,
        package_name = ctx.attr.package_name or ctx.label.package,
        package_url = ctx.attr.package_url,
        package_version = ctx.attr.package_version,
        purl = ctx.attr.purl,
        type = "package_info",
    )]

_package_info = rule(
    implementation = _package_info_impl,
    doc = "Name and version of a package.",
    provides = [PackageInfo],
    attrs = {
        "package_name": attr.string(doc = "Its name."),
        "package_url": attr.string(doc = "Where it comes from."),
        "package_version": attr.string(doc = "Its version."),
        "purl": attr.string(doc = "Its package URL."),
    },
)

def package_info(name, visibility = ["//visibility:public"], **kwargs):
    """Name and version of a package.

    Args:
      name: of the target
      visibility: of the target
      **kwargs: everything else
    """
    _package_info(name = name, visibility = visibility, **kwargs)
