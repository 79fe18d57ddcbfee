// Any bytes are a model or an Error, nothing else.
#include <cstdint>
#include <span>

#include "tools/onnx/onnx_import.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    riffle::onnx::import(std::as_bytes(std::span(data, size)));
  } catch (const riffle::Error&) {
    return 0;  // what a bad model should give
  }
  return 0;
}
