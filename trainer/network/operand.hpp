// How an operation reads what layers computed, and where the gradients of that go.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "trainer/network/layer_result.hpp"

namespace riffle::trainer {

/// An operation that works pixel by pixel, so that a few pixels of the batch can be done at a time.
class PixelWise {
 public:
  virtual ~PixelWise() = default;
  virtual void forward(int worker, std::int64_t first, std::int64_t count) = 0;
  virtual void backward(int worker, std::int64_t first, std::int64_t count) = 0;
  /// Prefetches what forward() reads and writes.
  virtual void prefetch(Prefetcher& prefetcher, std::int64_t first, std::int64_t count) const = 0;
};

/// Neighbouring channels of one part of a result, and the column of an operation's matrix where they begin.
struct Piece {
  const LayerResult* result = nullptr;
  std::int32_t first = 0;  ///< position in the result
  std::int32_t channels = 0;
  std::int32_t column = 0;
  bool add = false;   ///< its gradient joins what is there, or else is the first to be written
  bool last = false;  ///< and is the last: the gradient is complete
};

/// How an operation reads an operand: pieces that fill columns [0, columns) between them.
class Operand {
 public:
  Operand() = default;
  Operand(std::vector<Piece> pieces, std::int32_t columns) : pieces_(std::move(pieces)), columns_(columns) {}

  [[nodiscard]] std::int32_t columns() const { return columns_; }
  [[nodiscard]] std::int64_t pixels() const { return pieces_[0].result->pixels; }
  [[nodiscard]] bool wants_gradient() const {
    for (const Piece& piece : pieces_) {
      if (piece.result->wants_gradient) return true;
    }
    return false;
  }
  [[nodiscard]] std::vector<Piece>& pieces() { return pieces_; }
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }

  /// The operation that makes this operand is done by the one that reads it, just before and just after: what it writes
  /// is still in a near cache then.
  void fuse(PixelWise* maker) { maker_ = maker; }
  /// Says that pixels [first, first + count) are about to be read for the first time.
  void prepare(int worker, std::int64_t first, std::int64_t count) const {
    if (maker_ != nullptr) maker_->forward(worker, first, count);
  }

  /// Would read() copy one result as it stands?
  [[nodiscard]] bool is_plain() const { return is_whole() && pieces_[0].result->is_read_as_it_stands(); }
  /// The batch's pixels where they stand, `columns()` floats each, if that is what read() would give; else null.
  [[nodiscard]] const float* in_place() const { return is_plain() ? pieces_[0].result->y : nullptr; }

  /// Pixels [first, first + count) of the batch as rows, each value as its result is read (LayerResult::column_run); or
  /// the sum of that and what is there, through the activation `total`.
  void read(const TrainingKernels& kernels, std::int64_t first, std::int64_t count, float* rows,
            std::ptrdiff_t row_stride, const kernels::Clamp* total = nullptr) const {
    for (const Piece& piece : pieces_) {
      ColumnRun run = piece.result->column_run(piece.first, piece.channels, first);
      run.column = piece.column;
      run.add = total != nullptr;
      if (total != nullptr) run.total = *total;
      kernels.gather(run, count, rows, row_stride);
    }
  }

  /// Prefetches what read() will read, `first_time` with prepare() before it.
  void prefetch(Prefetcher& prefetcher, std::int64_t first, std::int64_t count, bool first_time = false) const {
    if (first_time && maker_ != nullptr) {
      maker_->prefetch(prefetcher, first, count);
    } else {
      prefetch(prefetcher, first, count, &LayerResult::y);
    }
  }
  /// Prefetches where write_gradient() will write.
  void prefetch_gradient(Prefetcher& prefetcher, std::int64_t first, std::int64_t count) const {
    prefetch(prefetcher, first, count, &LayerResult::gradient);
  }

  /// The gradient of what read() read; row_stride 0 gives the same row to every pixel. `rows` may be the place where it
  /// goes.
  void write_gradient(const TrainingKernels& kernels, int worker, std::int64_t first, std::int64_t count,
                      const float* rows, std::ptrdiff_t row_stride) const {
    bool wanted = false;
    for (const Piece& piece : pieces_) {
      const LayerResult& result = *piece.result;
      if (!result.wants_gradient) continue;
      wanted = true;
      const GradientRun run = result.gradient_run(piece.first, piece.channels, first, piece.add);
      const float* const from = rows + piece.column;
      if (piece.last) {
        result.complete(kernels, worker, run, piece.first, count, from, row_stride);
      } else if (from != run.first) {
        kernels.scatter(run, count, from, row_stride);
      }
    }
    if (maker_ != nullptr && wanted) maker_->backward(worker, first, count);
  }

  /// The result whose gradient is that of read()'s rows and begins with them: then it may be written in place, before
  /// write_gradient().
  [[nodiscard]] const LayerResult* gradient_in_place() const {
    const Piece& piece = pieces_[0];
    return is_whole() && !piece.add && piece.result->wants_gradient ? piece.result : nullptr;
  }

  /// Is it one result, with all of its channels?
  [[nodiscard]] bool is_whole() const {
    return pieces_.size() == 1 && pieces_[0].channels == pieces_[0].result->channels;
  }

 private:
  /// Prefetches whole parts, where most of a part is needed.
  void prefetch(Prefetcher& prefetcher, std::int64_t first, std::int64_t count, float* LayerResult::*what) const {
    for (const Piece& piece : pieces_) {
      const LayerResult& result = *piece.result;
      const Part& part = result.part_of(piece.first);
      if (result.*what != nullptr && 2 * piece.channels >= part.channels) {
        prefetcher.add(result.*what + result.place(part, first), count * part.channels);
      }
    }
  }

  std::vector<Piece> pieces_;
  std::int32_t columns_ = 0;
  PixelWise* maker_ = nullptr;
};

}  // namespace riffle::trainer
