#include "kernels/simd/amxint8.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
namespace {

/// What multiplies matrices; the rest is avx512vnni's.
struct Rows : NoRows {
  using All = ByteRowsOf<simd::Amxint8, simd::Amxint8>;
  static constexpr auto pointwise = All::pointwise;
  static constexpr auto convolution = All::convolution;
};

}  // namespace

extern const Kernels kernels_amxint8;
constexpr Kernels kernels_amxint8 = make_table<simd::Amxint8, Rows>(cpu::has_amxint8);
}  // namespace riffle::kernels
