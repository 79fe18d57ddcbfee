// One stable sort for all lists of indices: std::stable_sort is 4 KB of code for every comparison that it is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace riffle {

/// Somebody else's comparison, which must outlive this.
class IsBefore {
 public:
  template <class F>
  requires std::is_invocable_r_v<bool, const F&, std::int32_t, std::int32_t> IsBefore(
      const F& f)  // NOLINT(google-explicit-constructor): a lambda is one
      : object_(&f), call_([](const void* object, std::int32_t a, std::int32_t b) {
          return (*static_cast<const F*>(object))(a, b);
        }) {}
  bool operator()(std::int32_t a, std::int32_t b) const { return call_(object_, a, b); }

 private:
  const void* object_;
  bool (*call_)(const void* object, std::int32_t a, std::int32_t b);
};

/// Stably.
void sort_indices(std::span<std::int32_t> indices, IsBefore is_before);
/// 0 to count - 1, sorted so.
std::vector<std::int32_t> sorted_indices(std::size_t count, IsBefore is_before);

}  // namespace riffle
