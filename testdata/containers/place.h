#pragma once

// The root of the file tree that a program sees.
const char* place();
