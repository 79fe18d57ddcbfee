// Where a layer's results stand, and how they are read.
//
// A block holds what the layer computed for every pixel of every image of the batch, channels side by side, before
// batch norm and activation (trainer/kernels/columns.hpp). Its gradient is as large: with respect to what readers see
// while they add it up, and with respect to what stands before the activation once it is complete.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "trainer/kernels/kernels.hpp"
#include "trainer/network/norm.hpp"

namespace riffle::trainer {

/// A worker's share of the batch, and its own scratch.
struct Share {
  int worker = 0, workers = 1;
  std::int64_t first = 0, last = 0;  ///< images
  float* scratch = nullptr;
};

struct Block {
  std::string name;
  std::int32_t channels = 0;
  std::int64_t pixels = 0;          ///< of an image
  std::vector<std::int32_t> order;  ///< by position: the logical channel
  kernels::Clamp clamp;             ///< the activation behind the norm
  bool clamped = false;             ///< has the activation been applied to what stands here? There is no norm then.
  std::unique_ptr<Norm> norm;       ///< null if there is none
  bool planes = false;              ///< the input, as the caller has it: channel behind channel, not pixel by pixel
  bool wants_gradient = false;
  float* y = nullptr;         ///< batch * pixels * channels
  float* gradient = nullptr;  ///< likewise; null where none is wanted

  /// Says that pixels [first, first + count) of the batch have been computed, while they are still in a near cache.
  void computed(int worker, std::int64_t first, std::int64_t count) const {
    if (norm) norm->observe(worker, y + first * channels, count);
  }

  /// What readers apply behind the norm.
  [[nodiscard]] kernels::Clamp read_clamp() const { return clamped ? kernels::Clamp{} : clamp; }

  [[nodiscard]] bool has_activation() const { return clamp.lower > -std::numeric_limits<float>::infinity(); }

  /// The gradient of what the layer computed, from pixel `first` of the batch on.
  [[nodiscard]] GradientColumns gradient_columns(std::int64_t first) const {
    GradientColumns columns;
    columns.gradient = gradient + first * channels;
    columns.y = y + first * channels;
    columns.pixel_stride = channels;
    columns.channels = channels;
    if (norm) norm->fill(columns);
    return columns;
  }

  /// The last part of the gradients of `run.channels` channels from position `position` on, of `count` pixels from
  /// pixel `first` of the batch on. `run` and `rows` are scatter's.
  void complete(const TrainingKernels& kernels, int worker, const GradientRun& run, std::int32_t position,
                std::int64_t first, std::int64_t count, const float* rows, std::ptrdiff_t row_stride) const {
    if (!norm && !has_activation()) {
      if (rows != run.first) kernels.scatter(run, count, rows, row_stride);
      return;
    }
    Completion completion;
    completion.to = run;
    completion.y = y + first * channels + position;
    completion.clamp = clamp;
    if (norm) {
      norm->complete(worker, completion, position, count, rows, row_stride);
    } else {
      kernels.complete(completion, count, rows, row_stride);
    }
  }
};

/// An operation that works pixel by pixel, so that a few pixels of the batch can be done at a time.
class PixelWise {
 public:
  virtual ~PixelWise() = default;
  virtual void forward(int worker, std::int64_t first, std::int64_t count) = 0;
  virtual void backward(int worker, std::int64_t first, std::int64_t count) = 0;
};

/// Neighbouring channels of one block, and the column of an operation's matrix where they begin.
struct Piece {
  const Block* block = nullptr;
  std::int32_t first = 0;  ///< position in the block
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
  [[nodiscard]] std::int64_t pixels() const { return pieces_[0].block->pixels; }
  [[nodiscard]] bool wants_gradient() const {
    for (const Piece& piece : pieces_) {
      if (piece.block->wants_gradient) return true;
    }
    return false;
  }
  [[nodiscard]] std::vector<Piece>& pieces() { return pieces_; }
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }

  /// The operation that makes this operand is done by the one that reads it, just before and just after: what it writes
  /// is still in a near cache then.
  void carry(PixelWise* maker) { carried_ = maker; }
  /// Says that pixels [first, first + count) are about to be read for the first time.
  void prepare(int worker, std::int64_t first, std::int64_t count) const {
    if (carried_ != nullptr) carried_->forward(worker, first, count);
  }

  /// Would read() copy one block as it stands?
  [[nodiscard]] bool is_plain() const {
    const Block& block = *pieces_[0].block;
    return is_whole() && !block.norm && (block.clamped || !block.has_activation());
  }
  /// The batch's pixels where they stand, `columns()` floats each, if that is what read() would give; else null.
  [[nodiscard]] const float* in_place() const { return is_plain() ? pieces_[0].block->y : nullptr; }

  /// Pixels [first, first + count) of the batch as rows, each value through its block's norm and activation; or the sum
  /// of that and what is there, through the activation `total`.
  void read(const TrainingKernels& kernels, std::int64_t first, std::int64_t count, float* rows,
            std::ptrdiff_t row_stride, const kernels::Clamp* total = nullptr) const {
    for (const Piece& piece : pieces_) {
      const Block& block = *piece.block;
      ColumnRun run;
      run.first = block.y + first * block.channels + piece.first;
      run.pixel_stride = block.channels;
      run.channels = piece.channels;
      run.column = piece.column;
      run.clamp = block.read_clamp();
      run.add = total != nullptr;
      if (total != nullptr) run.total = *total;
      if (block.norm) {
        run.scale = block.norm->scale() + piece.first;
        run.shift = block.norm->shift() + piece.first;
      }
      kernels.gather(run, count, rows, row_stride);
    }
  }

  /// The gradient of what read() read; row_stride 0 gives the same row to every pixel. `rows` may be the place where it
  /// goes.
  void write_gradient(const TrainingKernels& kernels, int worker, std::int64_t first, std::int64_t count,
                      const float* rows, std::ptrdiff_t row_stride) const {
    bool wanted = false;
    for (const Piece& piece : pieces_) {
      const Block& block = *piece.block;
      if (!block.wants_gradient) continue;
      wanted = true;
      const GradientRun run{block.gradient + first * block.channels + piece.first, block.channels, piece.channels,
                            piece.add};
      const float* const from = rows + piece.column;
      if (piece.last) {
        block.complete(kernels, worker, run, piece.first, first, count, from, row_stride);
      } else if (from != run.first) {
        kernels.scatter(run, count, from, row_stride);
      }
    }
    if (carried_ != nullptr && wanted) carried_->backward(worker, first, count);
  }

  /// The block whose gradient is that of read()'s rows and begins with them: then it may be written in place, ahead of
  /// write_gradient().
  [[nodiscard]] const Block* gradient_in_place() const {
    const Piece& piece = pieces_[0];
    return is_whole() && !piece.add && piece.block->wants_gradient ? piece.block : nullptr;
  }

  /// Is it one block, with all of its channels?
  [[nodiscard]] bool is_whole() const {
    return pieces_.size() == 1 && pieces_[0].channels == pieces_[0].block->channels;
  }

 private:
  std::vector<Piece> pieces_;
  std::int32_t columns_ = 0;
  PixelWise* carried_ = nullptr;
};

}  // namespace riffle::trainer
