// Several processes that quantise one network together. Each has some of the pictures, neighbours in the list of all,
// in the order of the processes. What one of them has computed all of them get, in this order, and go on with it as one
// process would, so that the result has the same bits however many there are: a sum over pictures is one of each
// picture's sums, in the pictures' order, and never a sum of the processes' sums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "quantise/parallel.hpp"

namespace riffle::quantise {

/// One of them; as it stands, the only one.
struct Peers {
  int rank = 0, size = 1;
  /// Returns the bytes of all, those of rank 0 first. All call it, as often, in the same order, each from one thread.
  /// If there is only one it is not called.
  std::function<std::vector<std::byte>(std::span<const std::byte>)> gather = {};

  /// Where the share of rank r begins, of n things; it ends where the next one's does.
  [[nodiscard]] std::int64_t share_begin(std::int64_t n, int r) const { return n * r / size; }
};

/// The numbers of all, those of rank 0 first.
template <class T>
std::vector<T> gathered(const Peers& peers, std::vector<T> own) {
  if (peers.size == 1) return own;
  const std::vector<std::byte> bytes = peers.gather(std::as_bytes(std::span(own)));
  std::vector<T> all(bytes.size() / sizeof(T));
  std::ranges::copy(bytes, std::as_writable_bytes(std::span(all)).begin());
  return all;
}

/// Calls f(i, worker, results) for each i below `count` on one of the processes and one of its threads. It writes
/// `width` results, and those of all i are returned.
template <class T, class F>
std::vector<T> shared_out(const Peers& peers, std::int64_t count, std::size_t width, int threads, F&& f) {
  const std::int64_t first = peers.share_begin(count, peers.rank), end = peers.share_begin(count, peers.rank + 1);
  std::vector<T> own(static_cast<std::size_t>(end - first) * width);
  for_each_index(end - first, threads, [&](std::int64_t i, int worker) {
    f(first + i, worker, std::span(own).subspan(static_cast<std::size_t>(i) * width, width));
  });
  return gathered(peers, std::move(own));
}

}  // namespace riffle::quantise
