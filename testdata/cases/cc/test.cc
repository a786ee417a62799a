#include "shown.h"
extern "C" int number();
#if __has_include(<hidden.h>)
#error "the header of an implementation dependency is in reach"
#endif
int main() { return shown() == 42 && plugins == 1 && number() == 7 ? 0 : 1; }
