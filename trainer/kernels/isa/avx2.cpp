#include "kernels/simd/avx2.hpp"

#include "trainer/kernels/isa/table.hpp"

namespace riffle::trainer {
extern const TrainingKernels training_kernels_avx2;
constexpr TrainingKernels training_kernels_avx2 = make_table<simd::Avx2>();
}  // namespace riffle::trainer
