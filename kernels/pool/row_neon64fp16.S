// Part of a row of 3x3 pooling with stride 2, of halves.
#define RIFFLE_HALVES
#include "kernels/pool/row_neon64.S"
