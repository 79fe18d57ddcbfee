// What this CPU, and the system on it, can run.
#pragma once

namespace riffle::kernels::cpu {

bool has_sse2();
bool has_avx2();  ///< AVX2, FMA3 and F16C
bool has_avx512f();
bool has_avxvnni();     ///< AVX2 and its dot product of bytes: Alder Lake, Sapphire Rapids, Zen 5
bool has_avx512fp16();  ///< with BW and VL: from Sapphire Rapids on
bool has_avx512bf16();  ///< with BW and VL: Cooper Lake, from Sapphire Rapids and Zen 4 on
bool has_avx512vnni();  ///< with BW, VL and VBMI2: from Ice Lake and Zen 4 on
bool has_amxint8();     ///< AMX's products of matrices of bytes, if the system lets this process use them
bool has_amxbf16();     ///< the same of bf16
bool has_neon();        ///< ARMv7's, with its multiply-add
bool has_neon64();
bool has_neon64fp16();  ///< ARMv8.2's arithmetic of half precision
bool has_neon64bf16();  ///< the dot products of bf16, ARMv8.6's or earlier
bool has_neon64dot();   ///< ARMv8.2's dot product of bytes
bool has_neon64i8mm();  ///< ARMv8.6's products of matrices of bytes, and the dot product
bool always();

}  // namespace riffle::kernels::cpu
