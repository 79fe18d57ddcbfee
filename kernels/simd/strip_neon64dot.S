// The register tile, of bytes.
#define RIFFLE_BYTES
#include "kernels/simd/strip_neon64.S"
