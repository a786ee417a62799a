"""Providers of what targets are licensed under."""

LicenseInfo = provider(
    doc = "A license.",
    fields = ["copyright_notice", "label", "license_kinds", "license_text", "package_name", "package_url", "package_version"],
)

LicenseKindInfo = provider(
    doc = "A kind of license.",
    fields = ["conditions", "label", "long_name", "name"],
)

PackageInfo = provider(
    doc = "A package.",
    fields = ["label", "package_name", "package_url", "package_version", "purl", "type"],
)
