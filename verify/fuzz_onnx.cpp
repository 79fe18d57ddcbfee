// libFuzzer: any bytes are a model or an Error; a small model gives what it means, however it is run, and so do all of
// its tensors.
#include <cstdint>
#include <span>

#include "io/onnx/import.hpp"
#include "verify/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> file(data, size);
  for (const bool every_tensor : {false, true}) {
    try {
      const riffle::onnx::ImportOptions options = {.every_tensor = every_tensor};
      riffle::verify::compare_if_small(riffle::onnx::import(std::as_bytes(file), options), file);
    } catch (const riffle::Error&) {
    }
  }
  return 0;
}
