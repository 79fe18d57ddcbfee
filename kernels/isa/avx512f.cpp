#include "kernels/simd/avx512f.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_avx512f;
constexpr Kernels kernels_avx512f = make_table<simd::Avx512f>(cpu::has_avx512f);
}  // namespace riffle::kernels
