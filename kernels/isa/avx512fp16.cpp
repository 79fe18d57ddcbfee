#include "kernels/simd/avx512fp16.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_avx512fp16;
/// The stem's vectors of halves would be half empty, and its numbers converted one by one; the fully connected layer
/// waits for its weights. So both are computed in floats.
constexpr Kernels kernels_avx512fp16 =
    make_table<simd::Avx512fp16, HalfRowsOf<simd::Avx512fp16, simd::Avx512fp16Floats>>(cpu::has_avx512fp16);
}  // namespace riffle::kernels
