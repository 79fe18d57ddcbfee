#include "kernels/simd/neon64dot.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_neon64dot;
constexpr Kernels kernels_neon64dot =
    make_table<simd::Neon64dot, ByteRowsOf<simd::Neon64dot, simd::Neon64dot>>(cpu::has_neon64dot);
}  // namespace riffle::kernels
