#include "kernels/simd/avx512bf16.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_avx512bf16;
constexpr Kernels kernels_avx512bf16 =
    make_table<simd::Avx512bf16, BfloatRowsOf<simd::Avx512bf16>>(cpu::has_avx512bf16);
}  // namespace riffle::kernels
