"""What the machine is that kiln runs on."""

HOST_CONSTRAINTS = [
    "@platforms//cpu:@HOST_CPU@",
    "@platforms//os:linux",
]
