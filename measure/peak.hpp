// What this CPU can do at most: the limits that a profile's steps are held against.
#pragma once

#include <cstdint>
#include <string_view>

#include "measure/peak_loops.hpp"

namespace riffle::measure {

/// The loops of an instruction set (kernels::Kernels::isa), or null.
const Loops* find_loops(std::string_view isa);

/// Rates of all threads together.
struct Limits {
  double macs_per_second = 0;
  double activation_bytes_per_second = 0;  ///< over and over the same activation_bytes, a thread its own
  double weight_bytes_per_second = 0;      ///< over and over the same weight_bytes, shared out among the threads
  std::int64_t activation_bytes = 0;
  std::int64_t weight_bytes = 0;
};

/// What stands for activations: more than a first-level cache, less than any second-level one.
inline constexpr std::int64_t activation_buffer = std::int64_t{256} << 10;
/// Behind any cache; a larger buffer is not read more slowly.
inline constexpr std::int64_t largest_buffer = std::int64_t{64} << 20;

/// Measures for some 50 ms on `threads` threads at a time, those that a session's steps run on; the best pass counts.
/// `weight_bytes`: the weights of the network in question, which come by once an inference. A buffer as large tells
/// what that costs, from whichever cache or memory they come. `isa` runs on this CPU. Throws std::bad_alloc, and
/// Exhausted where the threads cannot be had.
Limits measure(std::string_view isa, int threads, std::int64_t weight_bytes);

}  // namespace riffle::measure
