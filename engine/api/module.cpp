// A module of a program's own, with the static library in it: loaded_test.cpp finds riffle's functions here.
#include "riffle/riffle.h"

extern "C" decltype(&riffle_session_run) riffle_module();
decltype(&riffle_session_run) riffle_module() { return riffle_session_run; }
