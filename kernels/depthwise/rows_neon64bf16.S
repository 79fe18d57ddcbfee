// Rows of a 3x3 depthwise convolution, of numbers of bf16.
#define RIFFLE_BFLOATS
#include "kernels/depthwise/rows_neon64.S"
