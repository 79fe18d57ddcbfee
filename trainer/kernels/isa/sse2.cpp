#include "kernels/simd/sse2.hpp"

#include "trainer/kernels/isa/table.hpp"

namespace riffle::trainer {
extern const TrainingKernels training_kernels_sse2;
constexpr TrainingKernels training_kernels_sse2 = make_table<simd::Sse2>();
}  // namespace riffle::trainer
