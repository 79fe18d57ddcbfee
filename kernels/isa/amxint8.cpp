#include "kernels/simd/amxint8.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_amxint8;
constexpr Kernels kernels_amxint8 = make_table<simd::Amxint8, ByteMatrixRowsOf<simd::Amxint8>>(cpu::has_amxint8);
}  // namespace riffle::kernels
