// The list of tables. RIFFLE_HAS_<NAME> comes from the rows in cmake/isa.cmake.
#include <iterator>
#include <string_view>

#include "trainer/kernels/kernels.hpp"

namespace riffle::trainer {

extern const TrainingKernels training_kernels_avx512f, training_kernels_avx2, training_kernels_sse2,
    training_kernels_neon64, training_kernels_neon, training_kernels_scalar;

namespace {
constexpr const TrainingKernels* list[] = {
#ifdef RIFFLE_HAS_AVX512F
    &training_kernels_avx512f,
#endif
#ifdef RIFFLE_HAS_AVX2
    &training_kernels_avx2,
#endif
#ifdef RIFFLE_HAS_SSE2
    &training_kernels_sse2,
#endif
#ifdef RIFFLE_HAS_NEON64
    &training_kernels_neon64,
#endif
#ifdef RIFFLE_HAS_NEON
    &training_kernels_neon,
#endif
#ifdef RIFFLE_HAS_SCALAR
    &training_kernels_scalar,
#endif
};
}  // namespace

const TrainingKernels& training_kernels(const kernels::Kernels& best) {
  const kernels::Kernels* const floats = kernels::find_kernels(best, Type::f32);
  for (const TrainingKernels* table : list) {
    if (floats != nullptr && std::string_view(table->isa) == floats->isa) return *table;
  }
  return *std::end(list)[-1];  // which runs everywhere
}

}  // namespace riffle::trainer
