#include "io/npy.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/files.hpp"

namespace riffle::io {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are read and written as they lie in memory");

constexpr std::size_t max_npy_rank = 32;
constexpr std::string_view magic = "\x93NUMPY";

/// By riffle::Type.
constexpr std::array<std::string_view, type_facts.size()> numpy_types = {"<f4", "<f2", "<u2", "|i1", "|u1", "<i4"};

/// Of what NumPy calls so.
Type type_of_numpy(const std::string& word, const std::string& name) {
  const auto found = std::find(numpy_types.begin(), numpy_types.end(), word);
  if (found != numpy_types.end()) return static_cast<Type>(found - numpy_types.begin());
  std::string known;
  for (const TypeFacts& facts : type_facts) known += (known.empty() ? "" : ", ") + type_text(facts.type);
  throw Error(name + ": holds '" + word + "'; what can be read is " + known);
}

struct Header {
  Type type = Type::f32;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

/// The header is a Python dictionary literal with three keys in any order.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Header parse() {
    std::optional<Type> type;
    std::optional<bool> fortran_order;
    std::optional<std::vector<std::int64_t>> shape;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !type) {
        type = number_type();
      } else if (key == "fortran_order" && !fortran_order) {
        fortran_order = boolean();
      } else if (key == "shape" && !shape) {
        shape = tuple();
      } else {
        fail("unexpected key '" + key + "'");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("characters behind the dictionary");
    if (!type || !fortran_order || !shape) fail("it lacks descr, fortran_order or shape");
    return {*type, *fortran_order, *shape};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(name_ + ": bad .npy header: " + what); }

  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool accept(char wanted) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(std::string("'") + wanted + "' expected at character " + std::to_string(at_));
  }
  std::string string() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail("a string expected at character " + std::to_string(at_));
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a string does not end");
    std::string result(text_.substr(at_ + 1, end - at_ - 1));
    if (result.size() > 32) fail("a string of " + std::to_string(result.size()) + " characters");
    for (const char c : result) {
      if (c < ' ' || c > '~') fail("a string that is not plain ASCII");
    }
    at_ = end + 1;
    return result;
  }
  Type number_type() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[') throw Error(name_ + ": holds records, and no numbers of one type");
    return type_of_numpy(string(), name_);
  }
  bool boolean() {
    skip_space();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    fail("True or False expected at character " + std::to_string(at_));
  }
  std::int64_t number() {
    skip_space();
    std::int64_t value = 0;
    const std::size_t first = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const int digit = text_[at_] - '0';
      if (value > (std::numeric_limits<std::int64_t>::max() - digit) / 10) fail("a size overflows");
      value = value * 10 + digit;
    }
    if (at_ == first) fail("a number expected at character " + std::to_string(at_));
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // as Python 2 wrote long integers
    return value;
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> values;
    expect('(');
    while (!accept(')')) {
      if (values.size() == max_npy_rank) fail("more than " + std::to_string(max_npy_rank) + " dimensions");
      values.push_back(number());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return values;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

/// The product of the sizes, or nothing if it does not fit `limit`.
std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape, std::int64_t limit) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size == 0) return 0;
  }
  for (const std::int64_t size : shape) {
    if (count > limit / size) return std::nullopt;
    count *= size;
  }
  return count;
}

/// `source` has its first index varying fastest; the result its last.
std::vector<std::byte> transposed(std::span<const std::byte> source, std::size_t element,
                                  std::span<const std::int64_t> shape) {
  std::vector<std::int64_t> strides(shape.size());
  auto stride = static_cast<std::int64_t>(element);
  for (std::size_t d = 0; d < shape.size(); ++d) {
    strides[d] = stride;
    stride *= shape[d];
  }
  std::vector<std::byte> result(source.size());
  std::vector<std::int64_t> index(shape.size(), 0);
  std::int64_t offset = 0;
  for (std::size_t at = 0; at < result.size(); at += element) {
    std::memcpy(&result[at], &source[static_cast<std::size_t>(offset)], element);
    for (std::size_t d = shape.size(); d-- > 0;) {
      offset += strides[d];
      if (++index[d] < shape[d]) break;
      offset -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  return result;
}

std::string_view characters(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::span<const float> Tensor::floats() const {
  if (type != Type::f32) throw Error("a tensor of " + type_text(type) + ", and not of " + type_text(Type::f32));
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

Tensor tensor_of(std::vector<std::int64_t> shape, std::span<const float> values) {
  const std::span<const std::byte> bytes = std::as_bytes(values);
  return {Type::f32, std::move(shape), {bytes.begin(), bytes.end()}};
}

std::string type_text(Type type) {
  return std::string(name_of(type)) + " ('" + std::string(numpy_types[static_cast<std::size_t>(type)]) + "')";
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

Tensor parse_npy(std::span<const std::byte> file, const std::string& name) {
  if (!characters(file).starts_with(magic) || file.size() < magic.size() + 2) throw Error(name + ": not a .npy file");
  const int version = std::to_integer<int>(file[magic.size()]);
  if (version < 1 || version > 3) throw Error(name + ": .npy version " + std::to_string(version) + " is not known");
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  const std::size_t header_first = magic.size() + 2 + length_bytes;
  if (file.size() < header_first) throw Error(name + ": the .npy header is truncated");
  std::size_t header_length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) {
    header_length |= std::to_integer<std::size_t>(file[magic.size() + 2 + i]) << (8 * i);
  }
  if (file.size() - header_first < header_length) throw Error(name + ": the .npy header is truncated");
  Header header = HeaderParser(characters(file.subspan(header_first, header_length)), name).parse();

  const std::span<const std::byte> data = file.subspan(header_first + header_length);
  const auto element = static_cast<std::size_t>(size_of(header.type));
  const std::optional<std::int64_t> count =
      element_count(header.shape, static_cast<std::int64_t>(data.size() / element));
  if (!count || data.size() != static_cast<std::size_t>(*count) * element) {
    throw Error(name + ": the shape " + shape_text(header.shape) + " does not fit the " + std::to_string(data.size()) +
                " bytes behind the header");
  }
  // Without elements the product of the other sizes may be anything: there is nothing to step over.
  if (header.fortran_order && *count > 0) {
    return {header.type, header.shape, transposed(data, element, header.shape)};
  }
  return {header.type, header.shape, {data.begin(), data.end()}};
}

Tensor read_npy(const std::string& path) { return parse_npy(read_file(path, max_npy_bytes), path); }

std::string npy_header(const Tensor& tensor) {
  const std::string type(numpy_types[static_cast<std::size_t>(tensor.type)]);
  std::string text = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape_text(tensor.shape) + ", }";
  // NumPy aligns the data to 64 bytes: magic, version and length take 10, the header ends in a newline.
  text.append(63 - (10 + text.size()) % 64, ' ');
  text += '\n';
  const std::array<char, 4> lead = {1, 0, static_cast<char>(text.size() & 0xFF), static_cast<char>(text.size() >> 8)};
  return std::string(magic) + std::string(lead.begin(), lead.end()) + text;
}

void write_npy(const std::string& path, const Tensor& tensor) {
  const std::string header = npy_header(tensor);
  write_file(path, {std::as_bytes(std::span(header)), tensor.bytes});
}

}  // namespace riffle::io
