// libFuzzer: any bytes are a model or an Error; a small model can be optimised, planned and run.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "engine/format/format.hpp"
#include "engine/run/session.hpp"
#include "tools/fuzz_small.hpp"

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
    riffle::graph::Graph graph = riffle::format::load({bytes.get(), size}, bytes);
    if (!riffle::tools::is_small(graph)) return 0;
    const auto plan = riffle::plan::make(std::move(graph));
    riffle::run::Session session(plan);
    const std::vector<float> input(static_cast<std::size_t>(plan->input.size()), 1.0F);
    std::vector<float> output(static_cast<std::size_t>(plan->output.size()));
    session.run(input.data(), output.data());
  } catch (const riffle::Error&) {
  }
  return 0;
}
