#include "kernels/simd/avx512vnni.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_avx512vnni;
constexpr Kernels kernels_avx512vnni =
    make_table<simd::Avx512vnni, ByteRowsOf<simd::Avx512vnni, simd::Avx512vnni>>(cpu::has_avx512vnni);
}  // namespace riffle::kernels
