#include "kernels/simd/neon64bf16.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_neon64bf16;
constexpr Kernels kernels_neon64bf16 =
    make_table<simd::Neon64bf16, BfloatRowsOf<simd::Neon64bf16>>(cpu::has_neon64bf16);
}  // namespace riffle::kernels
