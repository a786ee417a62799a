#include <cstdio>
#include <string>

#include "greeting/greeting.h"

int main() {
  const std::string text = example::Greeting("kiln");
  if (text.find("Hello, kiln!") == std::string::npos) {
    std::fprintf(stderr, "unexpected greeting: %s\n", text.c_str());
    return 1;
  }
  return 0;
}
