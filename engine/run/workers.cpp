#include "engine/run/workers.hpp"

#ifdef RIFFLE_HAS_THREADS

#include <span>
#include <string>
#include <system_error>

#include "base/arithmetic.hpp"
#include "base/error.hpp"
#include "engine/run/cores.hpp"
#include "engine/run/spin.hpp"

namespace riffle::run {
namespace {

/// How many forks lie between this process and the one that loaded the library: threads that were started at another
/// number are not in this process. Its number would not do, for the system gives the numbers of the dead to others.
std::atomic<std::uint32_t> forks{0};
const int forks_are_not_counted = ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1); });

}  // namespace

Workers::Workers(int count, std::vector<int> cores, std::function<void(int)> work)
    : work_(std::move(work)), cores_(std::move(cores)) {
  if (count > 0 && forks_are_not_counted != 0) throw Exhausted("no memory to watch for forks with");
  for (int w = 0; w < count; ++w) threads_.push_back({this, w, {}});
  start();
}

Workers::~Workers() {
  if (forks_ == forks.load()) stop();
}

/// Allocates nothing unless it fails.
void Workers::start() {
  forks_ = forks.load();
  running_ = 0;
  stopping_.store(false);
  calls_.store(0);
  ready_.store(0);
  on_their_cores_.store(0);
  for (Thread& thread : threads_) {
    const auto run = [](void* started) -> void* {
      const auto* self = static_cast<const Thread*>(started);
      self->workers->loop(self->number);
      return nullptr;
    };
    const int error = ::pthread_create(&thread.handle, nullptr, run, &thread);
    if (error != 0) {
      stop();
      throw Exhausted({"thread ", thread.number + 1, " of ", threads_.size(),
                       " does not start: ", std::generic_category().message(error),
                       "; ask for fewer, or raise the system's limit (ulimit -u)"});
    }
    ++running_;
  }
  // pinned() is to be a fact.
  const auto all = static_cast<std::uint32_t>(running_);
  for (std::uint32_t ready = ready_.load(); ready != all; ready = ready_.load()) ready_.wait(ready);
  pinned_ = all > 0 && on_their_cores_.load() == all;
}

void Workers::stop() noexcept {
  stopping_.store(true);
  calls_.fetch_add(1);
  calls_.notify_all();
  while (running_ > 0) ::pthread_join(threads_[--running_].handle, nullptr);
}

bool Workers::call() noexcept {
  if (threads_.empty()) return false;
  if (forks_ != forks.load(std::memory_order_relaxed)) {
    try {
      start();
    } catch (const std::exception&) {
      pinned_ = false;
    }
  }
  if (running_ == 0) return false;
  calls_.fetch_add(1, std::memory_order_release);
  calls_.notify_all();
  return true;
}

void Workers::loop(int worker) noexcept {
  const DefaultArithmetic arithmetic;  // not that of the thread which started this one
  std::span<const int> cores = cores_;
  if (cores.size() == threads_.size()) cores = cores.subspan(static_cast<std::size_t>(worker), 1);
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

}  // namespace riffle::run

#else

namespace riffle::run {

Workers::Workers(int, std::vector<int>, std::function<void(int)>) {}
Workers::~Workers() = default;
bool Workers::call() noexcept { return false; }

}  // namespace riffle::run

#endif
