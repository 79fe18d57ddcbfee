#include "kernels/simd/scalar.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_scalar;
constexpr Kernels kernels_scalar = make_table<simd::Scalar>(cpu::always);
}  // namespace riffle::kernels
