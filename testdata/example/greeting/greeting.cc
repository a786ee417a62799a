#include "greeting/greeting.h"

#include "text/banner.h"

namespace example {

std::string Greeting(const std::string& who) {
  return std::string(kBanner) + "Hello, " + who + "!";
}

}  // namespace example
