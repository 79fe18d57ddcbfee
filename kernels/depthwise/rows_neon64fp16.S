// Rows of a 3x3 depthwise convolution, of halves.
#define RIFFLE_HALVES
#include "kernels/depthwise/rows_neon64.S"
