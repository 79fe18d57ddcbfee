#include "kernels/simd/neon.hpp"

#include "trainer/kernels/isa/table.hpp"

namespace riffle::trainer {
extern const TrainingKernels training_kernels_neon;
constexpr TrainingKernels training_kernels_neon = make_table<simd::Neon>();
}  // namespace riffle::trainer
