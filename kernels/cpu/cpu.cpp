#include "kernels/cpu/cpu.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if (defined(__arm__) || defined(__aarch64__)) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace riffle::kernels::cpu {

bool always() { return true; }

// The compiler's run-time support asks cpuid and, for the wide registers, whether the system saves them.
#if defined(__x86_64__) || defined(__i386__)
bool has_sse2() { return __builtin_cpu_supports("sse2") != 0; }
bool has_avx2() {
  // Clang 14's support does not know F16C by name.
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const bool has_f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
  return has_f16c && __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}
bool has_avx512f() { return __builtin_cpu_supports("avx512f") != 0 && has_avx2(); }
bool has_avxvnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & (1U << 4)) != 0;
}
namespace {
bool has_avx512bw() {
  return has_avx512f() && __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
}
}  // namespace
bool has_avx512fp16() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return has_avx512bw() && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & (1U << 23)) != 0;
}
bool has_avx512bf16() { return has_avx512bw() && __builtin_cpu_supports("avx512bf16") != 0; }
bool has_avx512vnni() {
  return has_avx512bw() && __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512vbmi") != 0 &&
         __builtin_cpu_supports("avx512vbmi2") != 0;
}
namespace {
/// AMX's tiles, and so much of its arithmetic, if the system lets this process use them.
bool has_amx([[maybe_unused]] unsigned arithmetic) {
#if defined(__linux__) && defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const unsigned wanted = 1U << 24 | arithmetic;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || (edx & wanted) != wanted) return false;
  // Linux saves a thread's tiles only if its process has asked for it: arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA).
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
  return false;
#endif
}
}  // namespace
bool has_amxint8() { return has_avx512vnni() && has_amx(1U << 25); }
bool has_amxbf16() { return has_avx512bf16() && has_amx(1U << 22); }
#else
bool has_sse2() { return false; }
bool has_avx2() { return false; }
bool has_avx512f() { return false; }
bool has_avxvnni() { return false; }
bool has_avx512fp16() { return false; }
bool has_avx512bf16() { return false; }
bool has_avx512vnni() { return false; }
bool has_amxint8() { return false; }
bool has_amxbf16() { return false; }
#endif

#if defined(__aarch64__)
bool has_neon64() { return true; }  // part of the architecture
#else
bool has_neon64() { return false; }
#endif

#if defined(__aarch64__) && defined(__linux__)
bool has_neon64fp16() {
  constexpr unsigned long both = HWCAP_FPHP | HWCAP_ASIMDHP;
  return (getauxval(AT_HWCAP) & both) == both;
}
bool has_neon64bf16() {
  constexpr unsigned long bf16 = 1UL << 14;  // HWCAP2_BF16, which a header older than ARMv8.6 lacks
  return (getauxval(AT_HWCAP2) & bf16) != 0;
}
bool has_neon64dot() { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
bool has_neon64i8mm() {
  constexpr unsigned long i8mm = 1UL << 13;  // HWCAP2_I8MM, which older headers do not have
  return has_neon64dot() && (getauxval(AT_HWCAP2) & i8mm) != 0;
}
#elif defined(__aarch64__) && defined(__APPLE__)
namespace {
bool has_feature(const char* name) {
  int has = 0;
  std::size_t size = sizeof has;
  return sysctlbyname(name, &has, &size, nullptr, 0) == 0 && has != 0;
}
}  // namespace
bool has_neon64fp16() { return has_feature("hw.optional.arm.FEAT_FP16"); }
bool has_neon64bf16() { return has_feature("hw.optional.arm.FEAT_BF16"); }
bool has_neon64dot() { return has_feature("hw.optional.arm.FEAT_DotProd"); }
bool has_neon64i8mm() { return has_neon64dot() && has_feature("hw.optional.arm.FEAT_I8MM"); }
#else
bool has_neon64fp16() { return false; }
bool has_neon64bf16() { return false; }
bool has_neon64dot() { return false; }
bool has_neon64i8mm() { return false; }
#endif

#if defined(__arm__) && defined(__linux__)
bool has_neon() { return (getauxval(AT_HWCAP) & HWCAP_NEON) != 0; }
#elif defined(__arm__)
bool has_neon() { return true; }
#else
bool has_neon() { return false; }
#endif

}  // namespace riffle::kernels::cpu
