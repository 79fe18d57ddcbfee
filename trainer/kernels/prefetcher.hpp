// Software prefetch: a list of what will be needed next, of which a compute loop prefetches a line with every step.
//
// Between two matrices of a convolution (trainer/network/convolution.cpp) a core waits for memory alone, in them for
// multiply-adds alone. So the loops over one matrix prefetch what the next is made from: evenly, since a core can have
// few lines under way at a time (prefetching all at once is no faster than reading them). A line that will be written
// is prefetched likewise: it is read first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/types.hpp"

namespace riffle::trainer {

class Prefetcher {
 public:
  static constexpr std::int64_t line = 64;  ///< bytes

  /// Lines behind one another, one a step.
  struct Lines {
    const char* next;
    std::ptrdiff_t distance;  ///< bytes
    RIFFLE_INLINE void step() {
      __builtin_prefetch(next, 0, 2);
      next += distance;
    }
  };

  void clear() { count_ = at_ = 0; }

  /// So many floats will be needed. What does not fit into the list is left out.
  void add(const float* first, std::int64_t floats) {
    if (floats > 0 && count_ < ranges_.size()) ranges_[count_++] = {reinterpret_cast<const char*>(first), floats * 4};
  }

  /// The next `count` lines, or what a range has left and some behind it; `near`, again and again, where none is left.
  RIFFLE_INLINE Lines take(std::int64_t count, const float* near) {
    if (at_ == count_) return {reinterpret_cast<const char*>(near), 0};
    Range& range = ranges_[at_];
    const Lines lines{range.first, line};
    range.first += count * line;
    range.bytes -= count * line;
    if (range.bytes <= 0) ++at_;
    return lines;
  }

 private:
  struct Range {
    const char* first;
    std::int64_t bytes;
  };
  std::array<Range, 16> ranges_;
  std::size_t count_ = 0, at_ = 0;
};

}  // namespace riffle::trainer
