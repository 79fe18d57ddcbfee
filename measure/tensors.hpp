// The caller's side of a run: memory for what a plan reads and writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/memory/aligned.hpp"
#include "engine/plan/plan.hpp"

namespace riffle::measure {

/// A batch of every input and output of a plan, all in one piece of memory.
class Tensors {
 public:
  /// So many bytes, written to, for a plan that is not there yet.
  explicit Tensors(std::int64_t bytes = 0);
  explicit Tensors(const plan::Plan& plan, std::int64_t batch = 1) { place(plan, batch); }

  /// Gives every tensor its place. Allocates, and writes to what it allocates, where there is less than they take.
  /// Until somebody writes to it, a number is 63 if it is whole, and else between 0.7 and 2. Throws std::bad_alloc.
  void place(const plan::Plan& plan, std::int64_t batch = 1);

  /// Numbers from -1 to 1 into the inputs; whole ones are any that their type has. The same every time.
  void fill_inputs();

  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

  // For Session::run().
  [[nodiscard]] const void* const* inputs() const { return input_pointers_.data(); }
  [[nodiscard]] void* const* outputs() const { return output_pointers_.data(); }

  [[nodiscard]] std::span<std::byte> input(std::size_t i) const { return inputs_[i].numbers; }
  /// Of an f32 tensor.
  [[nodiscard]] std::span<float> output_floats(std::size_t i) const { return floats_of(outputs_[i]); }

 private:
  struct Tensor {
    Type type;
    std::span<std::byte> numbers;
  };
  static std::span<float> floats_of(const Tensor& tensor);

  void allocate(std::int64_t bytes);

  memory::Aligned<std::byte> memory_;
  std::int64_t bytes_ = 0;
  std::vector<Tensor> inputs_, outputs_;
  std::vector<const void*> input_pointers_;
  std::vector<void*> output_pointers_;
};

}  // namespace riffle::measure
