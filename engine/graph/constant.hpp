// Immutable numbers of a network: weights, biases, statistics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/memory/pages.hpp"
#include "kernels/element.hpp"
#include "kernels/types.hpp"

namespace riffle::graph {

/// Numbers as a file or whoever made them has them, of any type but i32, and whoever keeps them alive (a vector, a
/// mapped file, nobody for memory that outlives all). They may be in rows, each of which counts a factor times: the
/// scales of quantised weights, or what batch norm was folded into. Copies share everything. Any thread may read one.
class Constant {
 public:
  Constant() = default;
  explicit Constant(std::vector<float> values);
  /// `stored` has whole numbers of the type, at a multiple of its size. `file`: the owner, where that is a mapped file.
  Constant(Type type, std::span<const std::byte> stored, std::shared_ptr<const void> owner,
           const memory::MappedFile* file = nullptr);
  Constant(std::span<const float> values, std::shared_ptr<const void> owner, const memory::MappedFile* file = nullptr)
      : Constant(Type::f32, std::as_bytes(values), std::move(owner), file) {}

  [[nodiscard]] Type type() const { return type_; }
  [[nodiscard]] std::span<const std::byte> stored() const { return stored_; }
  [[nodiscard]] bool empty() const { return stored_.empty(); }
  /// Numbers.
  [[nodiscard]] std::size_t size() const { return stored_.size() / static_cast<std::size_t>(size_of(type_)); }

  /// All of them as floats, each times its row's factor, rounded once. Where they are not stored like that they are
  /// made when somebody first asks, and kept.
  [[nodiscard]] std::span<const float> values() const { return derived_ == nullptr ? floats() : derived(); }

  /// The same in `row_scale.size()` rows, row i times row_scale[i] beside the factor that it has already. Who packs
  /// weights takes factors() and multiplies on the way, without a copy.
  [[nodiscard]] Constant scaled(std::vector<double> row_scale) const;

  /// The rows' factors; empty where there are none.
  [[nodiscard]] std::span<const double> row_scale() const;

  /// What values() are the products of. Numbers of another type are widened, each time, for whoever holds the result.
  [[nodiscard]] kernels::Weights factors() const;

  /// Says that nobody reads the values for a while, nor others of the same mapped file, if they are of one: it then
  /// takes no memory until somebody does.
  void evict() const {
    if (file_ != nullptr) file_->evict();
  }

  /// Where in their mapped file the values are; one place for all that are of none.
  [[nodiscard]] memory::Pieces pieces() const { return file_ != nullptr ? file_->pieces(stored_) : memory::Pieces{}; }

 private:
  struct Derived;
  [[nodiscard]] std::span<const float> floats() const;   // of f32: as stored
  [[nodiscard]] std::span<const float> derived() const;  // made and kept

  Type type_ = Type::f32;
  std::span<const std::byte> stored_;
  const memory::MappedFile* file_ = nullptr;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<Derived> derived_;  // null: f32 without factors
};

}  // namespace riffle::graph
