#include "engine/run/workers.hpp"

#include <system_error>

#include "engine/graph/graph.hpp"
#include "engine/run/cores.hpp"
#include "engine/run/spin.hpp"

namespace riffle::run {

#ifdef RIFFLE_HAS_THREADS

Workers::Workers(int count, std::span<const int> cores, std::function<void(int)> work) : work_(std::move(work)) {
  const bool one_each = cores.size() == static_cast<std::size_t>(count);
  try {
    threads_.reserve(static_cast<std::size_t>(count));
    for (int w = 0; w < count; ++w) {
      threads_.emplace_back(&Workers::loop, this, w, one_each ? cores.subspan(static_cast<std::size_t>(w), 1) : cores);
    }
  } catch (const std::system_error& error) {
    const std::size_t started = threads_.size();
    stop();
    throw Exhausted("thread " + std::to_string(started + 1) + " of " + std::to_string(count) +
                    " does not start: " + error.what());
  } catch (...) {
    stop();
    throw;
  }
  // `cores` is the caller's, and pinned() is to be a fact.
  for (std::uint32_t ready = 0; ready != static_cast<std::uint32_t>(count); ready = ready_.load()) ready_.wait(ready);
  pinned_ = on_their_cores_.load() == static_cast<std::uint32_t>(count);
}

Workers::~Workers() { stop(); }

void Workers::stop() noexcept {
  stopping_.store(true);
  call();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::call() noexcept {
  calls_.fetch_add(1, std::memory_order_release);
  calls_.notify_all();
}

void Workers::loop(int worker, std::span<const int> cores) noexcept {
  if (!cores.empty() && pin_this_thread(cores)) on_their_cores_.fetch_add(1);
  ready_.fetch_add(1);
  ready_.notify_one();
  for (std::uint32_t answered = 0;;) {
    for (Spin spin; calls_.load(std::memory_order_acquire) == answered && !spin.tired();) spin.wait();
    calls_.wait(answered, std::memory_order_acquire);
    answered = calls_.load(std::memory_order_acquire);
    if (stopping_.load()) return;
    work_(worker);
  }
}

#else

Workers::Workers(int, std::span<const int>, std::function<void(int)>) {
  throw Exhausted("this build of riffle has no threads");
}
Workers::~Workers() = default;
void Workers::call() noexcept {}

#endif

}  // namespace riffle::run
