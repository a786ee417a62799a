#ifndef EXAMPLE_GREETING_GREETING_H_
#define EXAMPLE_GREETING_GREETING_H_

#include <string>

namespace example {

// A greeting for somebody, below the banner of this repository.
std::string Greeting(const std::string& who);

}  // namespace example

#endif  // EXAMPLE_GREETING_GREETING_H_
