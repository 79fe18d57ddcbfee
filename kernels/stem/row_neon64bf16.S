// Tiles of the stem, from planes of floats to numbers of bf16.
#define RIFFLE_BFLOATS
#include "kernels/stem/row_neon64.S"
