// libFuzzer: any bytes are tensors by their names or Errors.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"
#include "io/npz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const riffle::io::Npz archive({bytes.begin(), bytes.end()}, "fuzz.npz");
    for (const std::string& name : archive.names()) {
      try {
        (void)archive.read(name);
      } catch (const riffle::Error&) {
      }
    }
  } catch (const riffle::Error&) {
  }
  return 0;
}
