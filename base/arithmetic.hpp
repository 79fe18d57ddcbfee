// The arithmetic that results are computed in, whatever the host program has set for its own.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#include <cfenv>
#endif

#include <cstdint>

namespace riffle {

/// While it lives, this thread computes as IEEE 754 has it where nothing else is said: rounded to the nearest, ties to
/// even, denormal numbers as they are, no traps. Then all is as the host program has set it, the flags of exceptions
/// as well, but on AArch64, where they are kept elsewhere. Takes some ten nanoseconds.
class DefaultArithmetic {
 public:
#if defined(__x86_64__)
  DefaultArithmetic() noexcept : host_(_mm_getcsr()) { _mm_setcsr(0x1F80); }  // all exceptions masked, nothing else set
  ~DefaultArithmetic() { _mm_setcsr(host_); }
#elif defined(__aarch64__)
  DefaultArithmetic() noexcept {
    __asm__ volatile("mrs %0, fpcr" : "=r"(host_) : : "memory");
    __asm__ volatile("msr fpcr, xzr" : : : "memory");
  }
  ~DefaultArithmetic() { __asm__ volatile("msr fpcr, %0" : : "r"(host_) : "memory"); }
#else
  DefaultArithmetic() noexcept {
    std::fegetenv(&host_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultArithmetic() { std::fesetenv(&host_); }
#endif
  DefaultArithmetic(const DefaultArithmetic&) = delete;
  DefaultArithmetic& operator=(const DefaultArithmetic&) = delete;

 private:
#if defined(__x86_64__)
  std::uint32_t host_;
#elif defined(__aarch64__)
  std::uint64_t host_ = 0;
#else
  std::fenv_t host_;
#endif
};

}  // namespace riffle
