extern int plugins;
int shown();
