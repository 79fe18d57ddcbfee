#include "trainer/mpi/mpi_ranks.hpp"

#include <mpi.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "engine/run/spin.hpp"
#include "trainer/team.hpp"

namespace riffle::trainer {
namespace {

/// What MPI counts in is an int; its messages' tags are at least 0 to 32767.
constexpr std::size_t most_values = std::size_t{1} << 28;
constexpr int tags = 32766;

/// Of doubles, which every rank gets from every other, so many at a time.
constexpr std::size_t doubles_at_once = 4096;

void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text = {};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Error(std::string("MPI cannot ") + what + ": " + std::string(text.data(), static_cast<std::size_t>(length)));
}

}  // namespace

/// A sum under way.
class MpiRanks::Sum {
 public:
  /// Sends the others' parts, and waits for this rank's of them. `tag` and tag + 1 are its own; the memory may have
  /// been another sum's.
  Sum(std::span<float> values, int rank, int size, int tag, std::vector<float> memory)
      : values_(values), rank_(rank), size_(size), tag_(tag), received_(std::move(memory)) {
    received_.resize(part(rank).size() * static_cast<std::size_t>(size));
    for_others([&](int other) { receive(of(other), other, tag_); });
    for_others([&](int other) { send(part(other), other, tag_); });
  }
  Sum(const Sum&) = delete;
  Sum& operator=(const Sum&) = delete;

  std::vector<float> memory() { return std::move(received_); }

  /// Goes on as far as it can without waiting. True: it is done.
  bool advance() {
    while (true) {
      int done = 0;
      check(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE), "sum up");
      if (done == 0) return false;
      requests_.clear();
      if (returning_) return true;
      returning_ = true;
      add_up();
      for_others([&](int other) { receive(part(other), other, tag_ + 1); });
      for_others([&](int other) { send(part(rank_), other, tag_ + 1); });
    }
  }

 private:
  /// The values that a rank adds up.
  [[nodiscard]] std::span<float> part(int rank) const {
    const auto begin = [&](int r) {
      return static_cast<std::size_t>(share_begin(static_cast<std::int64_t>(values_.size()), r, size_));
    };
    return values_.subspan(begin(rank), begin(rank + 1) - begin(rank));
  }
  /// What another rank has for this one's part.
  [[nodiscard]] std::span<float> of(int other) {
    const std::size_t size = part(rank_).size();
    return std::span(received_).subspan(static_cast<std::size_t>(other) * size, size);
  }

  void add_up() {
    const std::span<float> own = part(rank_);
    if (rank_ > 0) {  // rank 0's are the first, and this rank's have their turn
      std::copy(own.begin(), own.end(), of(rank_).begin());
      std::copy(of(0).begin(), of(0).end(), own.begin());
    }
    for (int other = 1; other < size_; ++other) {
      const std::span<const float> values = of(other);
      for (std::size_t i = 0; i < own.size(); ++i) own[i] += values[i];
    }
  }

  /// Begins with the next rank, so that not all send to the same one.
  template <class F>
  void for_others(F&& f) const {
    for (int step = 1; step < size_; ++step) f((rank_ + step) % size_);
  }
  void receive(std::span<float> values, int other, int tag) {
    check(MPI_Irecv(values.data(), static_cast<int>(values.size()), MPI_FLOAT, other, tag, MPI_COMM_WORLD,
                    &requests_.emplace_back()),
          "receive");
  }
  void send(std::span<const float> values, int other, int tag) {
    check(MPI_Isend(values.data(), static_cast<int>(values.size()), MPI_FLOAT, other, tag, MPI_COMM_WORLD,
                    &requests_.emplace_back()),
          "send");
  }

  std::span<float> values_;
  int rank_, size_, tag_;
  std::vector<float> received_;  ///< by rank, for this one's part
  std::vector<MPI_Request> requests_;
  bool returning_ = false;  ///< are the sums on their way back?
};

MpiRanks::MpiRanks() {
  int given = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given), "begin");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (given < MPI_THREAD_FUNNELED) throw Error("MPI cannot be used by a program with threads here");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
}

MpiRanks::~MpiRanks() { MPI_Finalize(); }

void MpiRanks::abort(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

void MpiRanks::sum(std::span<double> values) {
  std::vector<double> all;
  for (std::size_t first = 0; first < values.size(); first += doubles_at_once) {
    const std::span<double> some = values.subspan(first, std::min(doubles_at_once, values.size() - first));
    all.resize(some.size() * static_cast<std::size_t>(size_));
    const int count = static_cast<int>(some.size());
    check(MPI_Allgather(some.data(), count, MPI_DOUBLE, all.data(), count, MPI_DOUBLE, MPI_COMM_WORLD), "sum up");
    std::copy_n(all.begin(), some.size(), some.begin());
    for (std::size_t i = some.size(); i < all.size(); ++i) some[i % some.size()] += all[i];
  }
}

void MpiRanks::begin_sum(std::span<float> values) {
  if (size_ == 1) return;
  for (std::size_t first = 0; first < values.size(); first += most_values) {
    std::vector<float> memory;
    if (!spare_.empty()) {
      memory = std::move(spare_.back());
      spare_.pop_back();
    }
    const std::span<float> some = values.subspan(first, std::min(most_values, values.size() - first));
    sums_.push_back(std::make_unique<Sum>(some, rank_, size_, next_tag_, std::move(memory)));
    next_tag_ = (next_tag_ + 2) % tags;
  }
}

void MpiRanks::progress() {
  std::erase_if(sums_, [&](const std::unique_ptr<Sum>& sum) {
    const bool done = sum->advance();
    if (done) spare_.push_back(sum->memory());
    return done;
  });
}

void MpiRanks::finish_sums() {
  run::Spin spin;
  for (progress(); !sums_.empty(); progress()) spin.wait();
}

void MpiRanks::broadcast(std::span<std::byte> bytes, int root) {
  for (std::size_t first = 0; first < bytes.size(); first += most_values) {
    const std::span<std::byte> some = bytes.subspan(first, std::min(most_values, bytes.size() - first));
    check(MPI_Bcast(some.data(), static_cast<int>(some.size()), MPI_BYTE, root, MPI_COMM_WORLD), "broadcast");
  }
}

}  // namespace riffle::trainer
