#include "kernels/simd/sse2.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_sse2;
constexpr Kernels kernels_sse2 = make_table<simd::Sse2>(cpu::has_sse2);
}  // namespace riffle::kernels
