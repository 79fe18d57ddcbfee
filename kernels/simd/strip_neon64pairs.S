// The register tile, of bytes without a dot product.
#define RIFFLE_BYTES
#define RIFFLE_PLAIN
#include "kernels/simd/strip_neon64.S"
