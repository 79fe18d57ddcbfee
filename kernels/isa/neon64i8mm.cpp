#include "kernels/simd/neon64i8mm.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
namespace {

/// The stem as well, which strips of one call do.
struct Rows : ByteMatrixRowsOf<simd::Neon64i8mm> {
  static constexpr auto stem = All::stem;
};

}  // namespace

extern const Kernels kernels_neon64i8mm;
constexpr Kernels kernels_neon64i8mm = make_table<simd::Neon64i8mm, Rows>(cpu::has_neon64i8mm);
}  // namespace riffle::kernels
