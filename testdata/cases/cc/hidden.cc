#include <hidden.h>
int hidden() { return 40; }
