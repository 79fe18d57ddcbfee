// Where a layer's results stand, and how they are read.
//
// A block holds what the layer computed for every pixel of every image of the batch, channels side by side, before
// batch norm and activation (trainer/kernels/gather_scatter.hpp). Its gradient is as large: with respect to what
// readers see while they add it up, and with respect to what stands before the activation once it is complete.
//
// Channels that different layers read stand in parts of their own, so that nobody is brought lines of memory of which
// it reads a few channels. Eight channels, of which the next layer reads four, another two, a third two:
//
//   pixel 0 1 2 ...         pixel 0 1 2 ...   pixel 0 1 2 ...
//   |0123|0123|0123|...     |45|45|45|...     |67|67|67|...
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "trainer/kernels/kernels.hpp"
#include "trainer/network/norm.hpp"

namespace riffle::trainer {

/// A worker's share of the batch, and its own scratch. A worker is no thread: one thread may do several workers' shares
/// in turn.
struct Share {
  int worker = 0, workers = 1;
  std::int64_t first = 0, last = 0;  ///< images
  float* scratch = nullptr;
};

/// Positions of a block that stand side by side in memory.
struct Part {
  std::int32_t first = 0, channels = 0;
};

struct Block {
  std::string name;
  std::int32_t channels = 0;
  std::vector<Part> parts;          ///< of all channels, in their order; more than one behind a convolution alone
  std::int64_t pixels = 0;          ///< of an image
  std::int64_t batch_pixels = 0;    ///< of as many images as fit
  std::int64_t norm_pixels = 0;     ///< of an image: what the norm's statistics are of, more than `pixels` if pooled
  std::vector<std::int32_t> order;  ///< by position: the logical channel
  kernels::Clamp clamp;             ///< the activation behind the norm
  bool clamped = false;             ///< has the activation been applied to what stands here? There is no norm then.
  std::unique_ptr<Norm> norm;       ///< null if there is none
  bool planes = false;              ///< the input, as the caller has it: channel behind channel, not pixel by pixel
  bool wants_gradient = false;
  float* y = nullptr;         ///< batch_pixels * channels: part behind part, pixel behind pixel
  float* gradient = nullptr;  ///< likewise; null where none is wanted

  [[nodiscard]] bool is_one_part() const { return parts.size() == 1; }
  /// The part that has the position.
  [[nodiscard]] const Part& part_of(std::int32_t position) const {
    std::size_t p = 0;
    while (position >= parts[p].first + parts[p].channels) ++p;
    return parts[p];
  }
  /// Where a part's first channel of pixel `pixel` of the batch stands, in y and in the gradient.
  [[nodiscard]] std::int64_t place(const Part& part, std::int64_t pixel) const {
    return part.first * batch_pixels + pixel * part.channels;
  }

  /// The gradients of `count` channels of one part from position `position` on, from pixel `pixel` of the batch on.
  [[nodiscard]] GradientRun gradient_run(std::int32_t position, std::int32_t count, std::int64_t pixel,
                                         bool add) const {
    const Part& part = part_of(position);
    return {gradient + place(part, pixel) + (position - part.first), part.channels, count, add};
  }

  /// Says that pixels [first, first + count) of the batch have been computed, while they are still in a near cache. Of
  /// a block of one part.
  void computed(int worker, std::int64_t first, std::int64_t count) const {
    if (norm) norm->observe(worker, y + first * channels, channels, count);
  }
  /// Takes what has been computed for these pixels from a matrix.
  void write(const TrainingKernels& kernels, int worker, std::int64_t first, std::int64_t count, const float* rows,
             std::ptrdiff_t row_stride) const {
    if (norm) norm->observe(worker, rows, row_stride, count);
    for (const Part& part : parts) {
      kernels.scatter({y + place(part, first), part.channels, part.channels, false}, count, rows + part.first,
                      row_stride);
    }
  }

  /// What readers apply behind the norm.
  [[nodiscard]] kernels::Clamp read_clamp() const { return clamped ? kernels::Clamp{} : clamp; }

  [[nodiscard]] bool has_activation() const { return clamp.lower > -std::numeric_limits<float>::infinity(); }

  /// The gradient of what the layer computed, of a part, from pixel `first` of the batch on.
  [[nodiscard]] GradientColumns gradient_columns(const Part& part, std::int64_t first) const {
    GradientColumns columns;
    columns.gradient = gradient + place(part, first);
    columns.y = y + place(part, first);
    columns.pixel_stride = columns.channels = part.channels;
    if (norm) norm->fill(columns, part.first);
    return columns;
  }
  /// All of it for some pixels, as a matrix.
  void read_gradient(const TrainingKernels& kernels, std::int64_t first, std::int64_t count, float* rows,
                     std::ptrdiff_t row_stride) const {
    for (const Part& part : parts) {
      kernels.gather_gradient(gradient_columns(part, first), count, rows + part.first, row_stride);
    }
  }

  /// Asks for where these pixels' results will stand.
  void ask_for_results(Ahead& ahead, std::int64_t first, std::int64_t count) const {
    for (const Part& part : parts) ahead.add(y + place(part, first), count * part.channels);
  }
  /// Asks for what read_gradient() reads.
  void ask_for_gradient(Ahead& ahead, std::int64_t first, std::int64_t count) const {
    for (const Part& part : parts) {
      ahead.add(gradient + place(part, first), count * part.channels);
      if (norm) ahead.add(y + place(part, first), count * part.channels);
    }
  }

  /// The last of the gradients of the channels from position `position` on, of `count` pixels: `run` and `rows` are
  /// scatter's.
  void complete(const TrainingKernels& kernels, int worker, const GradientRun& run, std::int32_t position,
                std::int64_t count, const float* rows, std::ptrdiff_t row_stride) const {
    if (!norm && !has_activation()) {
      if (rows != run.first) kernels.scatter(run, count, rows, row_stride);
      return;
    }
    Completion completion;
    completion.to = run;
    completion.y = y + (run.first - gradient);
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
  /// Asks for what forward() reads and writes.
  virtual void ask_for(Ahead& ahead, std::int64_t first, std::int64_t count) const = 0;
};

/// Neighbouring channels of one part of a block, and the column of an operation's matrix where they begin.
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
      const Part& part = block.part_of(piece.first);
      ColumnRun run;
      run.first = block.y + block.place(part, first) + (piece.first - part.first);
      run.pixel_stride = part.channels;
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

  /// Asks for what read() will read, `first_time` with prepare() before it.
  void ask_for(Ahead& ahead, std::int64_t first, std::int64_t count, bool first_time = false) const {
    if (first_time && carried_ != nullptr) {
      carried_->ask_for(ahead, first, count);
    } else {
      ask_for(ahead, first, count, &Block::y);
    }
  }
  /// Asks for where write_gradient() will write.
  void ask_for_gradient(Ahead& ahead, std::int64_t first, std::int64_t count) const {
    ask_for(ahead, first, count, &Block::gradient);
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
      const GradientRun run = block.gradient_run(piece.first, piece.channels, first, piece.add);
      const float* const from = rows + piece.column;
      if (piece.last) {
        block.complete(kernels, worker, run, piece.first, count, from, row_stride);
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
  /// Asks for whole parts, where that is not mostly what is not needed.
  void ask_for(Ahead& ahead, std::int64_t first, std::int64_t count, float* Block::*what) const {
    for (const Piece& piece : pieces_) {
      const Block& block = *piece.block;
      const Part& part = block.part_of(piece.first);
      if (block.*what != nullptr && 2 * piece.channels >= part.channels) {
        ahead.add(block.*what + block.place(part, first), count * part.channels);
      }
    }
  }

  std::vector<Piece> pieces_;
  std::int32_t columns_ = 0;
  PixelWise* carried_ = nullptr;
};

}  // namespace riffle::trainer
