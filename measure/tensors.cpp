#include "measure/tensors.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <random>

namespace riffle::measure {
namespace {

/// A tensor begins with a cache line.
std::int64_t whole_lines(std::int64_t bytes) {
  constexpr std::int64_t line = memory::cache_line;
  return (bytes + line - 1) / line * line;
}

template <class Number>
void write(std::byte* to, Number number) {
  std::memcpy(to, &number, sizeof number);
}

/// A number of the type, of 32 random bits.
void write_number(std::byte* to, Type type, std::uint32_t random) {
  const float value = static_cast<float>(random >> 8) * 0x1p-23F - 1.0F;
  switch (type) {
    case Type::f32:
      return write(to, value);
    case Type::f16:
      return write(to, kernels::to_f16(value));
    case Type::bf16:
      return write(to, kernels::to_bf16(value));
    case Type::i8:
    case Type::u8:
      return write(to, static_cast<std::uint8_t>(random >> 24));
    case Type::i32:
      return write(to, random);
  }
}

}  // namespace

Tensors::Tensors(std::int64_t bytes) { allocate(bytes); }

void Tensors::allocate(std::int64_t bytes) {
  constexpr std::byte modest{0x3F};  // repeated, it is 0.75 as f32 and bf16, and 1.8 as f16
  memory_ = memory::allocate<std::byte>(bytes);
  bytes_ = bytes;
  std::fill_n(memory_.get(), bytes, modest);
}

void Tensors::place(const plan::Plan& plan, std::int64_t batch) {
  std::int64_t wanted = 0;
  for (const auto* side : {&plan.inputs, &plan.outputs}) {
    for (const plan::Tensor& tensor : *side) wanted += whole_lines(batch * tensor.bytes());
  }
  if (wanted > bytes_) allocate(wanted);
  std::byte* next = memory_.get();
  const auto take = [&](const plan::Tensor& tensor) {
    const std::int64_t bytes = batch * tensor.bytes();
    const Tensor taken{tensor.type, {next, static_cast<std::size_t>(bytes)}};
    next += whole_lines(bytes);
    return taken;
  };
  inputs_.clear(), input_pointers_.clear();
  for (const plan::Tensor& tensor : plan.inputs) {
    input_pointers_.push_back(inputs_.emplace_back(take(tensor)).numbers.data());
  }
  outputs_.clear(), output_pointers_.clear();
  for (const plan::Tensor& tensor : plan.outputs) {
    output_pointers_.push_back(outputs_.emplace_back(take(tensor)).numbers.data());
  }
}

void Tensors::fill_inputs() {
  std::mt19937 random(1);  // its numbers are the same everywhere
  for (const Tensor& tensor : inputs_) {
    const auto size = static_cast<std::size_t>(size_of(tensor.type));
    for (std::size_t at = 0; at < tensor.numbers.size(); at += size) {
      write_number(&tensor.numbers[at], tensor.type, static_cast<std::uint32_t>(random()));
    }
  }
}

std::span<float> Tensors::floats_of(const Tensor& tensor) {
  assert(tensor.type == Type::f32);
  return {reinterpret_cast<float*>(tensor.numbers.data()), tensor.numbers.size() / sizeof(float)};
}

}  // namespace riffle::measure
