#include "verify/fuzz.hpp"

#include <cstdio>
#include <cstdlib>

#include "models/random.hpp"
#include "verify/differential.hpp"
#include "verify/effort.hpp"

namespace riffle::verify {

void compare_if_small(const graph::Graph& graph, std::span<const std::uint8_t> file) {
  static const char* const wanted = std::getenv("RIFFLE_FUZZ_COMPARE");
  if ((wanted != nullptr && *wanted == '0') || !is_small(graph)) return;
  std::uint64_t seed = file.size();
  for (const std::uint8_t byte : file) seed = models::mix(seed * 256 + byte);
  const auto difference = find_difference(graph, seed, Closeness::certain, Ways::some);
  if (!difference) return;
  std::fprintf(stderr, "%s\n%s", difference->c_str(), graph::to_text(graph).c_str());
  std::abort();
}

}  // namespace riffle::verify
