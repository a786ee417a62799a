#include "shown.h"
namespace {
struct Plugin {
  Plugin() { ++plugins; }
} plugin;
}  // namespace
