// libFuzzer: any bytes are a picture or an Error.
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/graph/graph.hpp"
#include "tools/picture.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const std::int32_t channels : {1, 3}) {
    try {
      riffle::tools::decode_picture(std::as_bytes(std::span(data, size)), channels, "fuzz.png");
    } catch (const riffle::Error&) {
    }
  }
  return 0;
}
