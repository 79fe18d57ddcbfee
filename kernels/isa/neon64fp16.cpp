#include "kernels/simd/neon64fp16.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_neon64fp16;
constexpr Kernels kernels_neon64fp16 = make_table<simd::Neon64fp16, HalfRowsOf<simd::Neon64fp16>>(cpu::has_neon64fp16);
}  // namespace riffle::kernels
