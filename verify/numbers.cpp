#include "verify/numbers.hpp"

#include "kernels/convert/convert.hpp"

namespace riffle::verify {
namespace {

void convert(const void* from, Type from_type, void* to, Type to_type, std::size_t count,
             const Quantization& quantization) {
  const auto channels = static_cast<std::int32_t>(count);  // of one pixel
  const std::byte* const inputs[] = {kernels::bytes_at(from)};
  std::byte* const outputs[] = {kernels::bytes_at(to)};
  const kernels::ChannelwiseRun run{{{0, kernels::Space::input}, channels, channels, 0, from_type}, 0};
  kernels::ConvertArgs args;
  args.pixels = 1;
  args.runs = &run;
  args.run_count = 1;
  args.from = args.to = quantization;  // of which the one for f32 is not looked at
  args.output = {{0, kernels::Space::output}, channels, 0, to_type};
  kernels::convert_reference(args, {nullptr, inputs, outputs, nullptr});
}

}  // namespace

std::vector<std::byte> encode(std::span<const float> numbers, Type type, const Quantization& quantization) {
  std::vector<std::byte> bytes(numbers.size() * static_cast<std::size_t>(size_of(type)));
  convert(numbers.data(), Type::f32, bytes.data(), type, numbers.size(), quantization);
  return bytes;
}

std::vector<float> decode(std::span<const std::byte> bytes, Type type, const Quantization& quantization) {
  std::vector<float> numbers(bytes.size() / static_cast<std::size_t>(size_of(type)));
  convert(bytes.data(), type, numbers.data(), Type::f32, numbers.size(), quantization);
  return numbers;
}

}  // namespace riffle::verify
