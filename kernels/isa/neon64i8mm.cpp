#include "kernels/simd/neon64i8mm.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
namespace {

/// What multiplies matrices; the rest is neon64dot's.
struct Rows : NothingButBytes<simd::Neon64i8mm> {
  static constexpr std::array<DepthwiseKernel, 0> depthwise = {};
  static constexpr std::array<PoolKernel, 0> pool = {};
  static constexpr std::array<FullyConnectedKernel, 0> fully_connected = {};
  static constexpr std::array<ElementwiseKernel, 0> elementwise = {};
  static constexpr std::array<PlanesKernel, 0> planes = {};
};

}  // namespace

extern const Kernels kernels_neon64i8mm;
constexpr Kernels kernels_neon64i8mm = make_table<simd::Neon64i8mm, Rows>(cpu::has_neon64i8mm);
}  // namespace riffle::kernels
