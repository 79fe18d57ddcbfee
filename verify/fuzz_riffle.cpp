// libFuzzer: any bytes are a model or an Error; a small model gives what it means, however it is run.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

#include "engine/format/format.hpp"
#include "verify/fuzz.hpp"

namespace {

struct Free {
  void operator()(std::byte* bytes) const { std::free(bytes); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // malloc aligns to 16 bytes where the fuzzers run, and the sanitizer sees where its block ends.
  const std::shared_ptr<std::byte> bytes(static_cast<std::byte*>(std::malloc(size)), Free());
  if (size > 0) std::memcpy(bytes.get(), data, size);
  try {
    riffle::verify::compare_if_small(riffle::format::load({bytes.get(), size}, bytes), {data, size});
  } catch (const riffle::Error&) {
  }
  return 0;
}
