#include "engine/graph/constant.hpp"

#include <mutex>

namespace riffle::graph {
namespace {

/// Number i of a type, without a row's factor.
float number(Type type, const std::byte* stored, std::size_t i) {
  const auto as = [&]<class T>(T) { return reinterpret_cast<const T*>(stored)[i]; };
  switch (type) {
    case Type::f32:
      return as(float{});
    case Type::f16:
      return kernels::from_f16(as(std::uint16_t{}));
    case Type::bf16:
      return kernels::from_bf16(as(std::uint16_t{}));
    case Type::i8:
      return as(std::int8_t{});
    case Type::u8:
      return as(std::uint8_t{});
    case Type::i32:
      break;
  }
  return 0;
}

}  // namespace

/// The rows' factors, and the floats once they are made.
struct Constant::Derived {
  std::vector<double> row_scale;  // empty: all are 1
  std::mutex making;
  std::vector<float> products;
};

Constant::Constant(std::vector<float> values) {
  auto shared = std::make_shared<const std::vector<float>>(std::move(values));
  stored_ = std::as_bytes(std::span(*shared));
  owner_ = std::move(shared);
}

Constant::Constant(Type type, std::span<const std::byte> stored, std::shared_ptr<const void> owner,
                   const memory::MappedFile* file)
    : type_(type), stored_(stored), file_(file), owner_(std::move(owner)) {
  if (type != Type::f32) derived_ = std::make_shared<Derived>();
}

std::span<const float> Constant::floats() const {
  return {reinterpret_cast<const float*>(stored_.data()), stored_.size() / sizeof(float)};
}

Constant Constant::scaled(std::vector<double> row_scale) const {
  Constant result = *this;
  result.derived_ = std::make_shared<Derived>();
  if (derived_ != nullptr && !derived_->row_scale.empty()) {
    for (std::size_t row = 0; row < row_scale.size(); ++row) row_scale[row] *= derived_->row_scale[row];
  }
  result.derived_->row_scale = std::move(row_scale);
  return result;
}

std::span<const double> Constant::row_scale() const {
  return derived_ != nullptr ? std::span<const double>(derived_->row_scale) : std::span<const double>();
}

kernels::Weights Constant::factors() const {
  if (derived_ == nullptr) return floats();
  if (type_ == Type::f32) return {floats(), derived_->row_scale};
  auto widened = std::make_shared<std::vector<float>>(size());
  for (std::size_t i = 0; i < size(); ++i) (*widened)[i] = number(type_, stored_.data(), i);
  kernels::Weights result(*widened, derived_->row_scale);
  result.widened = std::move(widened);
  return result;
}

std::span<const float> Constant::derived() const {
  const std::lock_guard lock(derived_->making);
  std::vector<float>& products = derived_->products;
  if (products.empty() && !empty()) {
    const kernels::Weights all = factors();
    products.assign(all.values.begin(), all.values.end());
    const std::size_t rows = all.row_scale.size(), row_size = rows == 0 ? 0 : size() / rows;
    for (std::size_t i = 0; rows != 0 && i < size(); ++i) {
      products[i] = static_cast<float>(products[i] * all.row_scale[i / row_size]);
    }
  }
  return products;
}

}  // namespace riffle::graph
