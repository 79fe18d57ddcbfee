#include "kernels/simd/amxbf16.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
namespace {

/// What multiplies matrices; the rest is avx512bf16's.
struct Rows : NoRows {
  using S = simd::Amxbf16;
  static constexpr int rows = S::tile_rows(S::max_vectors), columns = S::max_vectors * S::lanes;
  template <Text Operation>
  static constexpr const char* name = KernelName<S, "bf16", Operation, rows, columns>::value.data();
  static constexpr std::array pointwise = {PointwiseDots<S>::kernel(name<"pointwise">)};
#if RIFFLE_HAS_CONVOLUTION
  static constexpr std::array convolution = {ConvolutionDots<S>::kernel(name<"convolution">)};
#endif
};

}  // namespace

extern const Kernels kernels_amxbf16;
constexpr Kernels kernels_amxbf16 = make_table<simd::Amxbf16, Rows>(cpu::has_amxbf16);
}  // namespace riffle::kernels
