#include "kernels/simd/scalar.hpp"

#include "trainer/kernels/isa/table.hpp"

namespace riffle::trainer {
extern const TrainingKernels training_kernels_scalar;
constexpr TrainingKernels training_kernels_scalar = make_table<simd::Scalar>();
}  // namespace riffle::trainer
