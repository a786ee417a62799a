# The library is in another repository; this file lets scripts source it from this one.
source "$(dirname "${BASH_SOURCE[0]}")/../../../bazel_tools/tools/bash/runfiles/runfiles.bash"
