// The list of instruction sets, best first. RIFFLE_HAS_<NAME> comes from the rows in kernels/CMakeLists.txt.
#include "kernels/kernels.hpp"

namespace riffle::kernels {

extern const Kernels kernels_avx512f, kernels_avx2, kernels_sse2, kernels_neon64, kernels_neon, kernels_scalar;

namespace {
constexpr const Kernels* list[] = {
#ifdef RIFFLE_HAS_AVX512F
    &kernels_avx512f,
#endif
#ifdef RIFFLE_HAS_AVX2
    &kernels_avx2,
#endif
#ifdef RIFFLE_HAS_SSE2
    &kernels_sse2,
#endif
#ifdef RIFFLE_HAS_NEON64
    &kernels_neon64,
#endif
#ifdef RIFFLE_HAS_NEON
    &kernels_neon,
#endif
#ifdef RIFFLE_HAS_SCALAR
    &kernels_scalar,
#endif
};
}  // namespace

std::span<const Kernels* const> all_kernels() { return list; }

const Kernels* find_kernels(std::string_view isa) {
  for (const Kernels* kernels : list) {
    if (isa == kernels->isa) return kernels;
  }
  return nullptr;
}

const Kernels* best_kernels(std::string_view bound) {
  bool allowed = false;
  for (const Kernels* kernels : list) {
    allowed = allowed || bound == kernels->isa;
    if (allowed && kernels->supported()) return kernels;
  }
  return nullptr;
}

const Kernels& best_kernels() { return *best_kernels(list[0]->isa); }

}  // namespace riffle::kernels
