// A lack of memory, told as what it was for.
#pragma once

#include <cstdint>
#include <new>
#include <string>

#include "base/text.hpp"
#include "engine/graph/graph.hpp"

namespace riffle::trainer {

/// Calls allocate(). Where that throws std::bad_alloc, throws Exhausted: "not enough memory for the optimizer (8.7
/// MiB)", and what to do about it.
template <class F>
decltype(auto) with_memory_for(const std::string& what, std::int64_t bytes, F&& allocate,
                               const std::string& advice = {}) {
  try {
    return allocate();
  } catch (const std::bad_alloc&) {
    throw Exhausted("not enough memory for " + what + " (" + bytes_text(bytes) + ")" +
                    (advice.empty() ? "" : "; " + advice));
  }
}

}  // namespace riffle::trainer
