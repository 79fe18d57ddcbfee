#include "kernels/simd/neon64i8mm.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
namespace {

/// What multiplies matrices; the rest is neon64dot's.
struct Rows : NoRows {
  using All = ByteRowsOf<simd::Neon64i8mm, simd::Neon64i8mm>;
  static constexpr auto pointwise = All::pointwise;
  static constexpr auto convolution = All::convolution;
  static constexpr auto stem = All::stem;
};

}  // namespace

extern const Kernels kernels_neon64i8mm;
constexpr Kernels kernels_neon64i8mm = make_table<simd::Neon64i8mm, Rows>(cpu::has_neon64i8mm);
}  // namespace riffle::kernels
