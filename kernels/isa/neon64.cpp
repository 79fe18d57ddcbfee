#include "kernels/simd/neon64.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_neon64;
constexpr Kernels kernels_neon64 = make_table<simd::Neon64>(cpu::has_neon64);
}  // namespace riffle::kernels
