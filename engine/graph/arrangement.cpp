#include "engine/graph/arrangement.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "engine/graph/built.hpp"

namespace riffle::graph {
namespace {

constexpr std::string_view letters = "hwc";
constexpr std::size_t most_digits = 24;
constexpr std::array all_indices = {Index::row, Index::column, Index::channel};

std::int64_t extent_of(const Shape& shape, Index index) {
  return index == Index::row ? shape.h : index == Index::column ? shape.w : shape.c;
}

/// A digit as it is written: which of its index's it is, its extent, and the axis that it stands on.
struct WrittenDigit {
  Digit digit;
  std::int32_t ordinal = 0;
  std::size_t axis = 0;

  [[nodiscard]] bool stands_before(const WrittenDigit& other) const {
    return digit.index != other.digit.index ? digit.index < other.digit.index : ordinal < other.ordinal;
  }
};

/// "(h w c0:3) c1:85" as digits on axes.
class Reader {
 public:
  explicit Reader(std::string_view text) : all_(text), text_(text) {}

  Arrangement read() {
    bool is_open = false;  // between ( and )
    while (!text_.empty()) {
      if (take(' ')) continue;
      if (take('(')) {
        if (is_open) fail();
        is_open = true;
        ++axes_;
      } else if (take(')')) {
        if (!is_open) fail();
        is_open = false;
      } else {
        if (!is_open) ++axes_;
        read_digit();
      }
    }
    if (is_open) fail();
    return arrangement();
  }

 private:
  [[noreturn]] void fail() const { throw Error({"'", all_, "' is no arrangement"}); }

  bool take(char wanted) {
    if (text_.empty() || text_[0] != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::int32_t number() {
    std::int32_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc() || value < 0) fail();
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return value;
  }

  void read_digit() {
    if (take('1')) return;
    if (take('n')) {
      if (axes_ != 1 || count_ != 0 || joins_batch_) fail();
      joins_batch_ = true;
      return;
    }
    const std::size_t index = letters.find(text_[0]);
    if (index == std::string_view::npos || count_ == most_digits) fail();
    text_.remove_prefix(1);
    WrittenDigit& one = digits_[count_++];
    one = {{static_cast<Index>(index)}, 0, axes_ - 1};
    if (!text_.empty() && text_[0] >= '0' && text_[0] <= '9') one.ordinal = number();
    if (!take(':')) return;
    one.digit.extent = number();
    if (one.digit.extent < 1) fail();
  }

  [[nodiscard]] Arrangement arrangement() const {
    const std::span<const WrittenDigit> written(digits_.data(), count_);
    Arrangement result{.digits = {}, .axes = {}, .joins_batch = joins_batch_};
    result.digits.resize(count_);
    result.axes.resize(axes_);
    for (const WrittenDigit& one : written) {
      std::int32_t position = 0, ordinal = 0;
      for (const WrittenDigit& other : written) {
        if (&other != &one && !other.stands_before(one) && !one.stands_before(other)) fail();  // it is there twice
        if (!other.stands_before(one)) continue;
        ++position;
        if (other.digit.index == one.digit.index) ++ordinal;
      }
      if (one.ordinal != ordinal) fail();  // one is missing
      result.digits[static_cast<std::size_t>(position)] = one.digit;
      result.axes[one.axis].push_back(position);
    }
    return result;
  }

  std::string_view all_, text_;
  std::array<WrittenDigit, most_digits> digits_;  ///< as they stand in the text
  std::size_t count_ = 0, axes_ = 0;
  bool joins_batch_ = false;
};

}  // namespace

Arrangement arranged(std::string_view text) {
  if (text == "()") return {.digits = {}, .axes = {}, .joins_batch = true};
  return Reader(text).read();
}

Arrangement pixels_arrangement() { return arranged("h w c"); }

std::string to_text(const Arrangement& arrangement) {
  std::string result;
  const auto digit_text = [&](std::int32_t position) {
    const Digit& digit = arrangement.digits[static_cast<std::size_t>(position)];
    std::int32_t count = 0, ordinal = position;
    for (const Digit& other : arrangement.digits) {
      count += other.index == digit.index ? 1 : 0;
      ordinal -= other.index < digit.index ? 1 : 0;
    }
    std::string text(1, letters[static_cast<std::size_t>(digit.index)]);
    if (count > 1) text += std::to_string(ordinal);
    if (digit.extent != 0) text += ":" + std::to_string(digit.extent);
    return text;
  };
  if (arrangement.axes.empty()) return arrangement.joins_batch ? "()" : "";
  for (std::size_t a = 0; a < arrangement.axes.size(); ++a) {
    std::vector<std::string> parts;
    if (a == 0 && arrangement.joins_batch) parts.emplace_back("n");
    for (const std::int32_t position : arrangement.axes[a]) parts.push_back(digit_text(position));
    if (parts.empty()) parts.emplace_back("1");
    if (!result.empty()) result += ' ';
    if (parts.size() > 1) result += '(';
    for (std::size_t i = 0; i < parts.size(); ++i) result.append(i == 0 ? "" : " ").append(parts[i]);
    if (parts.size() > 1) result += ')';
  }
  return result;
}

ResolvedArrangement resolve(const Arrangement& arrangement, const Shape& shape) {
  const auto fail = [&](std::initializer_list<Piece> what) { throw Error({"its arrangement ", joined(what)}); };
  const std::vector<Digit>& digits = arrangement.digits;
  for (const Index index : all_indices) {
    if (extent_of(shape, index) < 1 || extent_of(shape, index) > max_extent) fail({"is of no tensor"});
  }
  if (digits.size() > most_digits || arrangement.axes.size() > most_digits) fail({"has too many digits or axes"});
  ResolvedArrangement result;
  result.digits.resize(digits.size());
  if (!std::ranges::is_sorted(digits, {}, &Digit::index)) fail({"has the digits of rows, columns, channels mixed"});
  for (const Index index : all_indices) {
    std::int64_t known = 1;
    std::int32_t open = 0;
    for (const Digit& digit : digits) {
      if (digit.index != index) continue;
      if (digit.extent < 0 || digit.extent > max_extent) fail({"has a digit of ", digit.extent, " values"});
      open += digit.extent == 0 ? 1 : 0;
      known *= std::max(digit.extent, 1);
      if (known > max_tensor_floats) fail({"has too many values"});
    }
    const std::int64_t size = extent_of(shape, index);
    constexpr const char* words[] = {"rows", "columns", "channels"};
    const char* const word = words[static_cast<std::size_t>(index)];
    if (open > 1) fail({"has two open digits of ", word});
    if (open == 0 ? known != size : size % known != 0) {
      fail({"'", built::rearrange ? to_text(arrangement) : "", "' is not for ", size, " ", word});
    }
    std::int64_t step = 1;
    for (std::size_t i = digits.size(); i-- > 0;) {
      if (digits[i].index != index) continue;
      const std::int64_t extent = digits[i].extent == 0 ? size / known : digits[i].extent;
      result.digits[i] = {.index = index, .extent = extent, .step = step};
      step *= extent;
    }
  }
  std::uint32_t seen = 0;  // a bit a digit
  std::int64_t stride = 1;
  result.extents.assign(arrangement.axes.size(), 1);
  for (std::size_t a = arrangement.axes.size(); a-- > 0;) {
    const auto& axis = arrangement.axes[a];
    for (auto position = axis.rbegin(); position != axis.rend(); ++position) {
      const auto i = static_cast<std::size_t>(*position);
      if (*position < 0 || i >= digits.size() || (seen >> i & 1) != 0) fail({"does not have every digit on one axis"});
      seen |= 1U << i;
      result.digits[i].axis = a;
      result.digits[i].stride = stride;
      stride *= result.digits[i].extent;
      result.extents[a] *= result.digits[i].extent;
    }
  }
  if (seen != (1U << digits.size()) - 1) fail({"does not have every digit on one axis"});
  return result;
}

std::int64_t place_of(const ResolvedArrangement& arrangement, std::int64_t y, std::int64_t x, std::int64_t c) {
  std::int64_t place = 0;
  for (const ResolvedArrangement::Digit& digit : arrangement.digits) {
    const std::int64_t index = digit.index == Index::row ? y : digit.index == Index::column ? x : c;
    place += index / digit.step % digit.extent * digit.stride;
  }
  return place;
}

namespace {

/// A part of a digit that is cut further.
struct DigitPart {
  std::int32_t digit = 0;   // which one
  std::int32_t extent = 0;  // 0: open
};

/// Takes what has so many values off the outer or the inner end of the list; false where there is no border.
bool take(std::vector<DigitPart>& from, std::int32_t wanted, bool outer, std::vector<DigitPart>& taken) {
  const auto put = [&](const DigitPart& one) { taken.insert(outer ? taken.end() : taken.begin(), one); };
  while (wanted > 1) {
    if (from.empty()) return false;
    DigitPart& one = outer ? from.front() : from.back();
    if (one.extent == 0) return false;
    if (wanted % one.extent == 0) {
      wanted /= one.extent;
      put(one);
      from.erase(outer ? from.begin() : from.end() - 1);
    } else if (one.extent % wanted == 0) {
      put({one.digit, wanted});
      one.extent /= wanted;
      wanted = 1;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<Arrangement> composed(const Arrangement& first, const Arrangement& second) {
  std::vector<std::vector<DigitPart>> parts(second.digits.size());  // of each of its digits
  for (const Index index : all_indices) {
    std::vector<DigitPart> left;
    for (const std::int32_t digit : first.axes[static_cast<std::size_t>(index)]) {
      left.push_back({digit, first.digits[static_cast<std::size_t>(digit)].extent});
    }
    const auto is_of = [&](const Digit& digit) { return digit.index == index; };
    const auto begin = std::ranges::find_if(second.digits, is_of);
    const auto end = std::find_if_not(begin, second.digits.end(), is_of);
    const auto open = std::find_if(begin, end, [](const Digit& digit) { return digit.extent == 0; });
    const auto parts_of = [&](auto digit) -> std::vector<DigitPart>& {
      return parts[static_cast<std::size_t>(digit - second.digits.begin())];
    };
    for (auto digit = begin; digit != open; ++digit) {
      if (!take(left, digit->extent, true, parts_of(digit))) return std::nullopt;
    }
    if (open != end) {
      for (auto digit = end - 1; digit != open; --digit) {
        if (!take(left, digit->extent, false, parts_of(digit))) return std::nullopt;
      }
      parts_of(open) = std::move(left);
    } else if (!left.empty()) {
      return std::nullopt;
    }
  }
  Arrangement result{.digits = {}, .axes = {}, .joins_batch = second.joins_batch};
  std::vector<std::vector<std::int32_t>> positions(parts.size());
  for (std::size_t i = 0; i < first.digits.size(); ++i) {
    for (std::size_t d = 0; d < parts.size(); ++d) {  // in the order in which they stand on its axis
      for (const DigitPart& part : parts[d]) {
        if (part.digit != static_cast<std::int32_t>(i)) continue;
        positions[d].push_back(static_cast<std::int32_t>(result.digits.size()));
        result.digits.push_back({first.digits[i].index, part.extent});
      }
    }
  }
  for (const auto& axis : second.axes) {
    std::vector<std::int32_t>& to = result.axes.emplace_back();
    for (const std::int32_t digit : axis) {
      const auto& from = positions[static_cast<std::size_t>(digit)];
      to.insert(to.end(), from.begin(), from.end());
    }
  }
  return result;
}

}  // namespace riffle::graph
