// libFuzzer: any bytes are images, labels or an Error.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "io/idx.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const std::size_t rank : {std::size_t{1}, std::size_t{3}}) {
    try {
      riffle::io::parse_idx(std::as_bytes(std::span(data, size)), rank, "fuzz.idx");
    } catch (const riffle::Error&) {
    }
  }
  return 0;
}
