// Threads that work side by side on shares of the same work.
#pragma once

#include <cstdint>
#include <exception>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace riffle::trainer {

/// Where worker w's share of n things begins; it ends where the next one's does.
inline std::int64_t share_begin(std::int64_t n, int w, int workers) { return n * w / workers; }

/// Calls f(i) for every i of worker w's share of n things.
template <class F>
void for_share(std::int64_t n, int w, int workers, F&& f) {
  const std::int64_t end = share_begin(n, w + 1, workers);
  for (std::int64_t i = share_begin(n, w, workers); i < end; ++i) f(i);
}

/// Calls work(worker, workers) on every thread of a team: `workers` may be fewer than the threads that were asked for
/// (OMP_THREAD_LIMIT, a team within a team). One parallel region a pass: a fork and join a layer would cost more than
/// most layers do. No exception may leave a region: what work throws is thrown here when all threads are through,
/// of several exceptions one. Work that waits for other workers does not throw, or they would wait for ever.
template <class Work>
void on_team([[maybe_unused]] int threads, Work&& work) {
#ifdef _OPENMP
  if (threads > 1) {
    std::exception_ptr fault;
#pragma omp parallel num_threads(threads)
    try {
      work(omp_get_thread_num(), omp_get_num_threads());
    } catch (...) {
#pragma omp critical(riffle_fault)
      fault = std::current_exception();
    }
    if (fault) std::rethrow_exception(fault);
    return;
  }
#endif
  work(0, 1);
}

}  // namespace riffle::trainer
