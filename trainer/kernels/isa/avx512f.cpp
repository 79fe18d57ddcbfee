#include "kernels/simd/avx512f.hpp"

#include "trainer/kernels/isa/table.hpp"

namespace riffle::trainer {
extern const TrainingKernels training_kernels_avx512f;
constexpr TrainingKernels training_kernels_avx512f = make_table<simd::Avx512f>();
}  // namespace riffle::trainer
