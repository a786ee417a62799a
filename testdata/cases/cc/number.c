int number(void) { return 7; }
