#include "io/onnx/tensor_data.hpp"

#include <onnx.pb.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "io/onnx/numbers.hpp"
#include "io/onnx/types.hpp"

namespace riffle::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

using ::onnx::TensorProto;

float from_double(double value) {
  if (std::isfinite(value) && std::fabs(value) > static_cast<double>(std::numeric_limits<float>::max())) {
    throw Error("a double is beyond the range of float");
  }
  return static_cast<float>(value);
}

[[noreturn]] void wrong_size(std::size_t bytes, const char* unit, std::int64_t count) {
  throw Error("its data has " + std::to_string(bytes) + " " + unit + ", its shape asks for " + std::to_string(count) +
              " elements");
}

/// Elements of type T as they lie in raw_data, or else those of the field that is used for this type.
template <typename T, typename Field>
std::vector<T> elements(const TensorProto& tensor, const Field& field, std::int64_t count) {
  std::vector<T> result;
  if (tensor.has_raw_data()) {
    const std::string& raw = tensor.raw_data();
    if (raw.size() % sizeof(T) != 0 || raw.size() / sizeof(T) != static_cast<std::uint64_t>(count)) {
      wrong_size(raw.size(), "bytes", count);
    }
    result.resize(static_cast<std::size_t>(count));
    if (count > 0) std::memcpy(result.data(), raw.data(), raw.size());
    return result;
  }
  if (field.size() != count) wrong_size(static_cast<std::size_t>(field.size()), "numbers", count);
  result.reserve(static_cast<std::size_t>(count));
  for (const auto value : field) {
    if constexpr (sizeof(T) == 1) {
      if (!std::in_range<T>(value)) throw Error("the number " + std::to_string(value) + " is beyond its type");
    }
    result.push_back(static_cast<T>(value));
  }
  return result;
}

std::vector<float> from_doubles(const std::vector<double>& values) {
  std::vector<float> result;
  result.reserve(values.size());
  for (const double value : values) result.push_back(from_double(value));
  return result;
}

template <typename T>
std::vector<Quantity> quantities(const std::vector<T>& values) {
  std::vector<Quantity> result;
  result.reserve(values.size());
  for (const T value : values) result.emplace_back(static_cast<std::int64_t>(value));
  return result;
}

Value read(const TensorProto& tensor, std::vector<std::int64_t> dims) {
  const std::int64_t count = element_count(dims);
  const auto floats = [&](std::vector<float> values) {
    return Floats{.dims = std::move(dims), .values = graph::Constant(std::move(values))};
  };
  const auto numbers = [&](std::vector<Quantity> values) {
    return Numbers{.dims = std::move(dims), .values = std::move(values), .real = false};
  };
  const auto as_they_are = [&]<class T>(Type type, std::vector<T> values) {
    const auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    return Floats{.dims = std::move(dims), .values = graph::Constant(type, std::as_bytes(std::span(*owner)), owner)};
  };
  switch (tensor.data_type()) {
    case TensorProto::FLOAT:
      return floats(elements<float>(tensor, tensor.float_data(), count));
    case TensorProto::FLOAT16:
      return as_they_are(Type::f16, elements<std::uint16_t>(tensor, tensor.int32_data(), count));
    case TensorProto::BFLOAT16:
      return as_they_are(Type::bf16, elements<std::uint16_t>(tensor, tensor.int32_data(), count));
    case TensorProto::DOUBLE:
      return floats(from_doubles(elements<double>(tensor, tensor.double_data(), count)));
    case TensorProto::INT64:
      expect_few(dims);
      return numbers(quantities(elements<std::int64_t>(tensor, tensor.int64_data(), count)));
    case TensorProto::INT32:
      expect_few(dims);
      return numbers(quantities(elements<std::int32_t>(tensor, tensor.int32_data(), count)));
    case TensorProto::INT8:
      return as_they_are(Type::i8, elements<std::int8_t>(tensor, tensor.int32_data(), count));
    case TensorProto::UINT8:
      return as_they_are(Type::u8, elements<std::uint8_t>(tensor, tensor.int32_data(), count));
    case TensorProto::BOOL:
      expect_few(dims);
      return numbers(quantities(elements<std::uint8_t>(tensor, tensor.int32_data(), count)));
    default:
      throw Error("its element type " + type_text(tensor.data_type()) +
                  " is not supported (float, float16, bfloat16, double, int64, int32, int8, uint8 and bool are)");
  }
}

}  // namespace

Value take_data(TensorProto& tensor) {
  const std::string where = "constant '" + tensor.name() + "': ";
  if (tensor.has_segment()) throw Error(where + "a tensor in segments is not supported");
  if (tensor.dims_size() > 8) throw Error(where + "more than 8 dimensions");
  try {
    Value value = read(tensor, {tensor.dims().begin(), tensor.dims().end()});
    tensor.clear_raw_data();
    tensor.clear_float_data();
    tensor.clear_double_data();
    tensor.clear_int32_data();
    return value;
  } catch (const Error& error) {
    throw Error(where + error.what());
  }
}

}  // namespace riffle::onnx
