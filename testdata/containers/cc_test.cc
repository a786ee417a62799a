#include <string>

#include "place.h"

int main() { return std::string(place()) == "/" ? 0 : 1; }
