// Finds files in the runfiles of a C++ program: an older name of
// rules_cc/cc/runfiles/runfiles.h.

#ifndef TOOLS_CPP_RUNFILES_RUNFILES_H_
#define TOOLS_CPP_RUNFILES_RUNFILES_H_

#include "rules_cc/cc/runfiles/runfiles.h"

namespace bazel {
namespace tools {
namespace cpp {
namespace runfiles {

using Runfiles = ::rules_cc::cc::runfiles::Runfiles;

}  // namespace runfiles
}  // namespace cpp
}  // namespace tools
}  // namespace bazel

#endif  // TOOLS_CPP_RUNFILES_RUNFILES_H_
