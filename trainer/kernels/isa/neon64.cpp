#include "kernels/simd/neon64.hpp"

#include "trainer/kernels/isa/table.hpp"

namespace riffle::trainer {
extern const TrainingKernels training_kernels_neon64;
constexpr TrainingKernels training_kernels_neon64 = make_table<simd::Neon64>();
}  // namespace riffle::trainer
