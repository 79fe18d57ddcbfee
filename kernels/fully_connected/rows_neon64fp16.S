// A tile's multiply-adds of the fully connected layer, of halves.
#define RIFFLE_HALVES
#include "kernels/fully_connected/rows_neon64.S"
