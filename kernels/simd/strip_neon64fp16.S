// The register tile, of halves.
#define RIFFLE_HALVES
#include "kernels/simd/strip_neon64.S"
