// The sum of a network's gradients over all ranks, most of it on its way while the backward pass goes on.
//
//   gradients   |0 . . . . . . . . . . . . . . . . . . |   of the first layer first; complete from the last on
//                              <- bucket 1 | bucket 0 |
//
// As many floats as make a message worth its latency are a bucket. Each float is summed in the order of the ranks
// (Ranks::begin_sum), so that the bits depend neither on where buckets end nor on when they leave.
#pragma once

#include <algorithm>
#include <exception>
#include <span>

#include "trainer/ranks/alone.hpp"

namespace riffle::trainer {

class BucketedSum {
 public:
  static constexpr std::size_t bucket_floats = std::size_t{1} << 17;  // 512 KiB

  BucketedSum(Ranks& ranks, std::span<float> values, std::size_t bucket = bucket_floats)
      : ranks_(ranks), values_(values), bucket_(bucket), begun_(values.size()) {}

  /// The values from `first` on are those that are to be summed. Throws nothing: finish() says what went wrong.
  void complete(std::size_t first) noexcept {
    attempt([&] {
      while (begun_ - first >= bucket_) begin(begun_ - bucket_);
      ranks_.progress();
    });
  }

  /// All are: begins what has not begun, and waits for the sums.
  void finish() {
    attempt([&] {
      if (begun_ > 0) complete(0);
      if (begun_ > 0) begin(0);
      ranks_.finish_sums();
    });
    if (fault_) std::rethrow_exception(fault_);
  }

 private:
  void begin(std::size_t first) {
    ranks_.begin_sum(values_.subspan(first, begun_ - first));
    begun_ = first;
  }

  template <class F>
  void attempt(F&& f) noexcept {
    if (fault_) return;
    try {
      f();
    } catch (...) {
      fault_ = std::current_exception();
    }
  }

  Ranks& ranks_;
  std::span<float> values_;
  std::size_t bucket_, begun_;  ///< from begun_ on, sums are under way
  std::exception_ptr fault_;
};

}  // namespace riffle::trainer
