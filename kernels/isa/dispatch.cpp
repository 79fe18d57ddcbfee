// The list of instruction sets, best first, and the choice of one. RIFFLE_HAS_<NAME> comes from the rows in
// cmake/isa.cmake.
#include <cstdlib>

#include "base/error.hpp"
#include "kernels/kernels.hpp"

namespace riffle::kernels {

extern const Kernels kernels_avx512fp16, kernels_amxbf16, kernels_amxint8, kernels_avx512bf16, kernels_avx512vnni,
    kernels_avx512f, kernels_avxvnni, kernels_avx2, kernels_sse2, kernels_neon64bf16, kernels_neon64i8mm,
    kernels_neon64dot, kernels_neon64fp16, kernels_neon64, kernels_neon, kernels_scalar;

namespace {
constexpr const Kernels* list[] = {
#ifdef RIFFLE_HAS_AVX512FP16
    &kernels_avx512fp16,
#endif
#ifdef RIFFLE_HAS_AMXBF16
    &kernels_amxbf16,
#endif
#ifdef RIFFLE_HAS_AVX512BF16
    &kernels_avx512bf16,
#endif
#ifdef RIFFLE_HAS_AMXINT8
    &kernels_amxint8,
#endif
#ifdef RIFFLE_HAS_AVX512VNNI
    &kernels_avx512vnni,
#endif
#ifdef RIFFLE_HAS_AVX512F
    &kernels_avx512f,
#endif
#ifdef RIFFLE_HAS_AVXVNNI
    &kernels_avxvnni,
#endif
#ifdef RIFFLE_HAS_AVX2
    &kernels_avx2,
#endif
#ifdef RIFFLE_HAS_SSE2
    &kernels_sse2,
#endif
#ifdef RIFFLE_HAS_NEON64BF16
    &kernels_neon64bf16,
#endif
#ifdef RIFFLE_HAS_NEON64I8MM
    &kernels_neon64i8mm,
#endif
#ifdef RIFFLE_HAS_NEON64DOT
    &kernels_neon64dot,
#endif
#ifdef RIFFLE_HAS_NEON64FP16
    &kernels_neon64fp16,
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

const Kernels* find_kernels(const Kernels& best, Type type) {
  if (best.type == type) return &best;
  bool allowed = false;
  for (const Kernels* kernels : list) {
    allowed = allowed || kernels == &best;
    if (allowed && kernels->type == type && kernels->supported()) return kernels;
  }
  return nullptr;
}

Type type_of_bytes(const Kernels& best) {
  bool allowed = false;
  for (const Kernels* kernels : list) {
    allowed = allowed || kernels == &best;
    if (!allowed || !kernels->supported()) continue;
    for (const PointwiseKernel& row : kernels->of<PointwiseKernel>()) {
      if (is_quantised(row.types.input)) return row.types.input;
    }
  }
  return Type::u8;
}

const Kernels& best_kernels() { return *best_kernels(list[0]->isa); }

const Kernels& choose_kernels() {
  const char* wanted = std::getenv("RIFFLE_ISA");
  return wanted == nullptr || *wanted == '\0' ? best_kernels() : choose_kernels(wanted);
}

const Kernels& choose_kernels(const std::string& isa) {
  const Kernels* found = find_kernels(isa);
  if (found != nullptr && found->supported()) return *found;
  std::string have;
  for (const Kernels* one : all_kernels()) {
    if (one->supported()) have += (have.empty() ? "" : ", ") + std::string(one->isa);
  }
  throw Error({"instruction set '", isa,
               "': ", found == nullptr ? "this build has none of that name" : "this CPU does not run it",
               "; what runs here (RIFFLE_ISA): ", have});
}

}  // namespace riffle::kernels
