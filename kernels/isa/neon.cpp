#include "kernels/simd/neon.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_neon;
constexpr Kernels kernels_neon = make_table<simd::Neon>(cpu::has_neon);
}  // namespace riffle::kernels
