#include "kernels/simd/avx2.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_avx2;
constexpr Kernels kernels_avx2 = make_table<simd::Avx2>(cpu::has_avx2);
}  // namespace riffle::kernels
