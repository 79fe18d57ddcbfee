#include "kernels/simd/avxvnni.hpp"

#include "kernels/cpu/cpu.hpp"
#include "kernels/isa/table.hpp"

namespace riffle::kernels {
extern const Kernels kernels_avxvnni;
constexpr Kernels kernels_avxvnni =
    make_table<simd::Avxvnni, ByteRowsOf<simd::Avxvnni, simd::Avxvnni>>(cpu::has_avxvnni);
}  // namespace riffle::kernels
