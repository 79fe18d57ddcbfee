// libFuzzer: any bytes are a tensor or an Error.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "io/npy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    riffle::io::parse_npy(std::as_bytes(std::span(data, size)), "fuzz.npy");
  } catch (const riffle::Error&) {
  }
  return 0;
}
