#include "trainer/data/loader.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <numeric>
#include <system_error>
#include <thread>

#include "engine/plan/plan.hpp"
#include "io/preprocess.hpp"
#include "trainer/data/random.hpp"
#include "trainer/memory.hpp"
#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

constexpr int max_threads = 256;
/// One with the network, one ready, one being filled.
constexpr std::size_t ring_size = 3;

/// A batch's place in the ring.
struct Slot {
  std::vector<float> images;
  std::vector<std::int32_t> labels;
  std::int32_t size = 0, missing = 0;  ///< pictures in all, and those that are not there yet
  std::exception_ptr fault;            ///< of the first picture that cannot be read
  std::int32_t fault_at = 0;
};

graph::Shape input_of(const Dataset& dataset, const LoaderOptions& options) {
  if (dataset.size() < 1) throw Error("a dataset without pictures");
  const graph::Shape input = {options.height, options.width,
                              options.channels == 0 ? dataset.channels() : options.channels};
  for (const std::int32_t size : {input.h, input.w}) {
    if (size < 1 || size > graph::max_extent) throw Error("an input of " + std::to_string(size) + " pixels");
  }
  if (input.c == 1 && dataset.channels() == 3) throw Error("the network takes gray pictures; the data has color");
  return input;
}

/// The options' own, once their sizes are known to fit in memory's addresses.
LoaderOptions checked(const LoaderOptions& options, const graph::Shape& input) {
  constexpr std::int64_t most = std::numeric_limits<std::ptrdiff_t>::max() / static_cast<std::int64_t>(sizeof(float));
  if (options.batch < 1 || options.batch > most / input.size()) {
    throw Error("a batch of " + std::to_string(options.batch) + " pictures");
  }
  if (options.least_batch < 0 || options.least_batch > options.batch) {
    throw Error("a batch of " + std::to_string(options.batch) + " pictures; at least " +
                std::to_string(options.least_batch) + " are needed");
  }
  if (options.rank < 0 || options.rank >= options.ranks) {
    throw Error("rank " + std::to_string(options.rank) + " of " + std::to_string(options.ranks));
  }
  if (options.accumulate < 1) throw Error("steps of " + std::to_string(options.accumulate) + " batches");
  if (options.threads < 1 || options.threads > max_threads) {
    throw Error("a loader of " + std::to_string(options.threads) + " threads; at most " + std::to_string(max_threads));
  }
  check(options.augmentation);
  return options;
}

/// A batch of one rank: positions of the epoch.
struct Range {
  std::int64_t first = 0, count = 0;
  std::int64_t of_step = 0;
  bool ends_step = false;
};

std::int64_t pictures_a_step(const LoaderOptions& options) {
  return std::int64_t{options.batch} * options.ranks * options.accumulate;
}

/// Of `pictures` positions, the batches of the options' rank.
std::vector<Range> ranges(std::int64_t pictures, const LoaderOptions& options) {
  std::vector<Range> result;
  const int parts = options.ranks * options.accumulate;
  for (std::int64_t first = 0; first < pictures; first += pictures_a_step(options)) {
    const std::int64_t of_step = std::min(pictures - first, pictures_a_step(options));
    for (std::int32_t batch = 0; batch < options.accumulate; ++batch) {
      const int part = batch * options.ranks + options.rank;
      const std::int64_t begin = share_begin(of_step, part, parts), end = share_begin(of_step, part + 1, parts);
      if (begin < end) result.push_back({first + begin, end - begin, of_step, batch + 1 == options.accumulate});
    }
  }
  return result;
}

}  // namespace

struct Loader::State {
  State(const Dataset& data, const LoaderOptions& asked)
      : dataset(data),
        input(input_of(data, asked)),
        options(checked(asked, input)),
        preprocess(input, options.preprocessing,
                   options.kernels != nullptr ? *options.kernels : kernels::choose_kernels()),
        batches(ranges(pictures(), options)),
        order(static_cast<std::size_t>(data.size())),
        ring(std::min(batches.size(), ring_size)) {
    if (data.size() > 0 && pictures() == 0) {
      throw Error(std::to_string(data.size()) + " pictures; a step takes at least " + std::to_string(least_step()));
    }
    const auto count = static_cast<std::size_t>(std::min<std::int64_t>(options.batch, data.size()));
    const std::size_t floats = count * static_cast<std::size_t>(input.size());
    const auto take = [&] {
      for (Slot& slot : ring) {
        slot.images.resize(floats);
        slot.labels.resize(count);
      }
    };
    with_memory_for("the pictures of " + std::to_string(ring.size()) + " batches",
                    static_cast<std::int64_t>(ring.size() * sizeof(float)) * static_cast<std::int64_t>(floats), take,
                    "a smaller batch takes less");
  }
  ~State() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    work.notify_all();
    for (std::thread& thread : threads) thread.join();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const Dataset& dataset;
  const graph::Shape input;
  const LoaderOptions options;
  const io::Preprocess preprocess;   ///< of which each worker has a copy
  const std::vector<Range> batches;  ///< of an epoch

  // Written by begin() while no worker is at work, read by the workers.
  std::int64_t epoch = 0;
  std::vector<std::int64_t> order;  ///< the epoch's pictures

  // What the workers and the loader's user share, and the mutex guards. Of a slot it does not guard images and labels:
  // each is one worker's until the batch is complete.
  std::mutex mutex;
  std::condition_variable work;      ///< there is something to be made, or `stop`
  std::condition_variable progress;  ///< a batch is complete, or, where begin() waits for that, no worker is busy
  std::vector<Slot> ring;            ///< batch b is in ring[b % ring.size()]
  // The next picture to be made is number `made` of batch `making`. No batch is to be made behind `end`, which is 0
  // before and in begin().
  std::size_t making = 0, end = 0;
  std::int64_t made = 0;
  std::size_t oldest = 0;   ///< the first batch whose slot is in use: by the user, or for what is being made
  std::size_t current = 0;  ///< the batch that next() gives next
  int busy = 0;             ///< workers that make a picture
  bool stop = false;

  std::vector<std::thread> threads;

  [[nodiscard]] std::int64_t pictures() const {
    const std::int64_t last = dataset.size() % pictures_a_step(options);
    return dataset.size() - (last < least_step() ? last : 0);
  }
  [[nodiscard]] std::int64_t least_step() const {
    return std::int64_t{options.least_batch} * options.ranks * options.accumulate;
  }
  Slot& slot_of(std::size_t batch) { return ring[batch % ring.size()]; }

  /// May the next picture be made, and is there one?
  [[nodiscard]] bool has_work() const { return making < end && making < oldest + ring.size(); }
  [[nodiscard]] bool is_complete(std::size_t batch) { return making > batch && slot_of(batch).missing == 0; }

  void make(std::int64_t index, Slot& slot, std::int32_t at, io::Picture& picture, io::Preprocess& fill) const {
    const auto size = static_cast<std::size_t>(input.size());
    const std::span<float> planes = std::span(slot.images).subspan(static_cast<std::size_t>(at) * size, size);
    slot.labels[static_cast<std::size_t>(at)] = dataset.label(index);
    dataset.read(index, picture);
    fill(picture, planes);
    Random random(options.seed, Purpose::augmentation, epoch, index);
    apply(draw_change(options.augmentation, input.h, input.w, random), input, planes);
  }

  /// A worker's life.
  void run() {
    io::Picture picture;
    io::Preprocess fill = preprocess;
    std::unique_lock lock(mutex);
    while (true) {
      work.wait(lock, [&] { return stop || has_work(); });
      if (stop) return;
      const Range& batch = batches[making];
      Slot& slot = slot_of(making);
      const std::int64_t index = order[static_cast<std::size_t>(batch.first + made)];
      const auto at = static_cast<std::int32_t>(made);
      if (at == 0) open(slot, batch);
      if (++made == batch.count) {
        made = 0;
        ++making;
      }
      ++busy;
      lock.unlock();
      std::exception_ptr fault;
      try {
        make(index, slot, at, picture, fill);
      } catch (...) {
        fault = std::current_exception();
      }
      lock.lock();
      --busy;
      --slot.missing;
      if (fault && (!slot.fault || at < slot.fault_at)) {
        slot.fault = fault;
        slot.fault_at = at;
      }
      if (slot.missing == 0 || (end == 0 && busy == 0)) progress.notify_all();
    }
  }

  static void open(Slot& slot, const Range& batch) {
    slot.size = slot.missing = static_cast<std::int32_t>(batch.count);
    slot.fault = nullptr;
  }
};

Loader::Loader(const Dataset& dataset, const LoaderOptions& options)
    : state_(std::make_unique<State>(dataset, options)) {
  state_->threads.reserve(static_cast<std::size_t>(options.threads));
  try {
    for (int t = 0; t < options.threads; ++t) state_->threads.emplace_back([state = state_.get()] { state->run(); });
  } catch (const std::system_error& error) {
    throw Exhausted("thread " + std::to_string(state_->threads.size() + 1) + " of " + std::to_string(options.threads) +
                    " of a loader does not start: " + error.what());
  }
}

Loader::~Loader() = default;

std::int64_t Loader::batches() const { return std::ssize(state_->batches); }
std::int64_t Loader::pictures() const { return state_->pictures(); }
std::int64_t Loader::steps() const {
  const std::int64_t each = pictures_a_step(state_->options);
  return (pictures() + each - 1) / each;
}

void Loader::begin(std::int64_t epoch, std::int64_t first_step) {
  State& state = *state_;
  if (epoch < 0 || first_step < 0 || first_step > steps()) {
    throw Error("step " + std::to_string(first_step) + " of epoch " + std::to_string(epoch) + "; an epoch has " +
                std::to_string(steps()));
  }
  std::unique_lock lock(state.mutex);
  state.end = 0;
  state.progress.wait(lock, [&] { return state.busy == 0; });
  state.epoch = epoch;
  std::iota(state.order.begin(), state.order.end(), std::int64_t{0});
  if (state.options.shuffle) {
    Random random(state.options.seed, Purpose::order, epoch);
    shuffle(state.order, random);
  }
  const std::size_t first_batch = static_cast<std::size_t>(first_step * state.options.accumulate);
  state.oldest = state.current = state.making = std::min(first_batch, state.batches.size());
  state.made = 0;
  state.end = state.batches.size();
  lock.unlock();
  state.work.notify_all();
}

bool Loader::next(Batch& batch) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  state.oldest = state.current;
  state.work.notify_all();
  if (state.current >= state.end) return false;
  state.progress.wait(lock, [&] { return state.is_complete(state.current); });
  Slot& slot = state.slot_of(state.current);
  if (slot.fault) std::rethrow_exception(slot.fault);
  const Range& range = state.batches[state.current++];
  const auto count = static_cast<std::size_t>(slot.size);
  batch.images = std::span(slot.images).first(count * static_cast<std::size_t>(state.input.size()));
  batch.labels = std::span(slot.labels).first(count);
  batch.of_step = range.of_step;
  batch.ends_step = range.ends_step;
  return true;
}

}  // namespace riffle::trainer
