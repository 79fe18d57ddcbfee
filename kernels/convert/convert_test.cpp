#ifdef __SSE2__
#include <xmmintrin.h>
#endif

#include <array>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/testing.hpp"

namespace riffle::kernels::testing {
namespace {

class Convert : public EveryIsa {
 protected:
  /// Numbers of every kind: of 8 and 16 bits all that there are, of f32 edges and their neighbours, ties, and any bits.
  static std::vector<std::byte> numbers(Type type, Scene& scene, std::int64_t least) {
    std::vector<std::byte> all;
    const auto add = [&](const auto& number) {
      const auto* const bytes = reinterpret_cast<const std::byte*>(&number);
      all.insert(all.end(), bytes, bytes + sizeof number);
    };
    if (size_of(type) == 1) {
      for (int i = 0; i < 256; ++i) add(static_cast<std::uint8_t>(i));
    } else if (size_of(type) == 2) {
      for (int i = 0; i < 65536; ++i) add(static_cast<std::uint16_t>(i));
    } else {
      for (const float edge : {0.0F,
                               1.0F,
                               0.5F,
                               1.5F,
                               2.5F,
                               127.0F,
                               127.5F,
                               128.0F,
                               255.0F,
                               255.5F,
                               256.0F,
                               65504.0F,
                               65519.0F,
                               65520.0F,
                               65536.0F,
                               0x1p-14F,
                               0x1p-24F,
                               0x1p-25F,
                               0x1.8p-25F,
                               0x1p-26F,
                               0x1.ffcp-15F,
                               0x1p-126F,
                               0x1p-149F,
                               std::numeric_limits<float>::max(),
                               std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN()}) {
        for (const float sign : {1.0F, -1.0F}) {
          const auto bits = std::bit_cast<std::uint32_t>(edge * sign);
          for (const std::uint32_t neighbour : {bits - 1, bits, bits + 1}) add(neighbour);
        }
      }
      for (int i = 0; i < 4096; ++i) add(std::bit_cast<float>(static_cast<std::uint32_t>(scene.random()())));
      // Around every number of 16 bits, in the middle between two and beside it.
      for (std::uint32_t i = 0; i < 65536; i += 7) {
        const auto bits = std::bit_cast<std::uint32_t>(from_f16(static_cast<std::uint16_t>(i)));
        for (const std::uint32_t offset : {0x0FFFU, 0x1000U, 0x1001U}) add(bits + offset);
        add(i << 16 | 0x7FFF), add(i << 16 | 0x8000), add(i << 16 | 0x8001);
      }
      for (int i = 0; i < 4096; ++i) add(static_cast<float>(scene.integer(-1200, 1200)) / 8);
    }
    while (static_cast<std::int64_t>(all.size()) < least * size_of(type)) all.push_back(all[all.size() / 2]);
    return all;
  }

  void try_row(const ConvertKernel& row, std::uint32_t seed, Quantization from, Quantization to) {
    SCOPED_TRACE(std::string(row.name) + ", seed " + std::to_string(seed));
    Scene scene(seed);
    std::vector<std::byte> in = numbers(row.types.input, scene, 1);
    const std::int64_t count = static_cast<std::int64_t>(in.size()) / size_of(row.types.input);
    // One long row, or pixels of some channels, with others behind them.
    const bool flat = seed % 2 == 0;
    ConvertArgs args;
    const std::int32_t channels = flat ? 256 : scene.integer(1, 40);
    const std::int32_t in_stride = flat ? channels : channels + scene.integer(0, 3);
    const std::int32_t out_stride = flat ? channels : channels + scene.integer(1, 3);
    args.pixels = static_cast<std::int32_t>(count / in_stride);
    ChannelwiseRun run;
    run.input = {Place{}, in_stride, channels, 0, row.types.input};
    run.output_channel = flat ? 0 : out_stride - channels;
    args.runs = &run;
    args.run_count = 1;
    args.from = from;
    args.to = to;
    args.output = {Place{0, Space::rows}, out_stride, 0, row.types.output};
    args.tile_pixels = scene.integer(1, args.pixels);
    args.tiles = (args.pixels + args.tile_pixels - 1) / args.tile_pixels;
    const std::size_t bytes = static_cast<std::size_t>(args.pixels) * out_stride * size_of(row.types.output);
    std::vector<std::byte> expected(bytes, std::byte{0xAB}), actual = expected;
    Addresses memory;
    memory.arena = in.data();
    memory.rows = expected.data();
    convert_reference(args, memory);
    memory.rows = actual.data();
    for (const std::int32_t tile : scene.permutation(args.tiles)) row.run(args, memory, {tile, tile + 1});
    expect_same(row.types.output, expected, actual);
  }

  [[nodiscard]] const ConvertKernel& row(Type from, Type to) const {
    return kernels().row<ConvertKernel>({from, Type::f32, to});
  }

  static std::vector<std::byte> converted(const ConvertKernel& row, std::vector<std::byte> numbers) {
    ConvertArgs args;
    args.pixels = args.tile_pixels = static_cast<std::int32_t>(numbers.size()) / size_of(row.types.input);
    std::vector<std::byte> result(static_cast<std::size_t>(args.pixels) * size_of(row.types.output));
    ChannelwiseRun run;
    run.input = {Place{}, 1, 1, 0, row.types.input};
    args.runs = &run;
    args.run_count = 1;
    args.from = args.to = {0.25F, 3};
    args.output = {Place{0, Space::rows}, 1, 0, row.types.output};
    Addresses memory;
    memory.arena = numbers.data();
    memory.rows = result.data();
    row.run(args, memory, {0, 1});
    return result;
  }

  template <class T>
  static std::vector<T> as(const std::vector<std::byte>& bytes) {
    std::vector<T> numbers(bytes.size() / sizeof(T));
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
  }

  /// Every bit, but for those of a NaN.
  static void expect_same(Type type, const std::vector<std::byte>& expected, const std::vector<std::byte>& actual) {
    const auto width = static_cast<std::size_t>(size_of(type));
    for (std::size_t i = 0; i < expected.size(); i += width) {
      if (std::memcmp(&expected[i], &actual[i], width) == 0) continue;
      const auto value = [&](const std::vector<std::byte>& from) {
        std::uint32_t bits = 0;
        std::memcpy(&bits, &from[i], width);
        return type == Type::f32    ? std::bit_cast<float>(bits)
               : type == Type::f16  ? from_f16(static_cast<std::uint16_t>(bits))
               : type == Type::bf16 ? from_bf16(static_cast<std::uint16_t>(bits))
                                    : static_cast<float>(bits);
      };
      ASSERT_TRUE(std::isnan(value(expected)) && std::isnan(value(actual)))
          << "number " << i / width << ": " << value(actual) << " instead of " << value(expected);
    }
  }
};

TEST_P(Convert, EveryRowEqualsTheReference) {
  for (const ConvertKernel& row : kernels().of<ConvertKernel>()) {
    const bool is_signed = row.types.input == Type::i8 || row.types.output == Type::i8;
    for (std::uint32_t seed = 0; seed < 6 && !HasFatalFailure(); ++seed) {
      const float scale = seed < 2 ? 1.0F : 0.037F * static_cast<float>(seed);
      const Quantization q{scale, seed < 4 ? 0 : is_signed ? -17 : 128};
      try_row(row, seed, q, q);
    }
  }
}

/// From a type to f32 and back: the same bits, for every number that there is.
TEST_P(Convert, ThereAndBackIsTheSame) {
  for (const ConvertKernel& there : kernels().of<ConvertKernel>()) {
    // There are integers of 32 bits that no float is.
    if (there.types.output != Type::f32 || there.types.input == Type::i32) continue;
    const ConvertKernel& back = kernels().row<ConvertKernel>({Type::f32, Type::f32, there.types.input});
    Scene scene(1);
    const std::vector<std::byte> numbers = Convert::numbers(there.types.input, scene, 1);
    expect_same(there.types.input, numbers, converted(back, converted(there, numbers)));
  }
}

/// NaNs, too.
TEST_P(Convert, HalvesHaveTheBitsOfTheScalarFunctions) {
  Scene scene(1);
  const auto decoded = as<std::uint32_t>(converted(row(Type::f16, Type::f32), numbers(Type::f16, scene, 1)));
  ASSERT_EQ(decoded.size(), 65536U);
  for (std::size_t i = 0; i < decoded.size(); ++i)
    ASSERT_EQ(decoded[i], std::bit_cast<std::uint32_t>(from_f16(static_cast<std::uint16_t>(i)))) << "half " << i;
  const std::vector<std::byte> floats = numbers(Type::f32, scene, 1);
  const auto bits = as<std::uint32_t>(floats);
  const auto encoded = as<std::uint16_t>(converted(row(Type::f32, Type::f16), floats));
  ASSERT_EQ(encoded.size(), bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i)
    ASSERT_EQ(encoded[i], to_f16(std::bit_cast<float>(bits[i]))) << "float of bits " << bits[i];
}

/// A host program may round otherwise, and may have set denormal floats to count as zero.
TEST_P(Convert, HalvesAreDecodedInEveryMode) {
  Scene scene(1);
  const std::vector<std::byte> halves = numbers(Type::f16, scene, 1);
  const std::vector<std::byte> expected = converted(row(Type::f16, Type::f32), halves);
  std::fenv_t before;
  ASSERT_EQ(std::fegetenv(&before), 0);
  const auto expect_same_bits = [&] {
    const std::vector<std::byte> actual = converted(row(Type::f16, Type::f32), halves);
    std::fesetenv(&before);
    EXPECT_TRUE(expected == actual);
  };
  for (const int rounding : {FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO}) {
    SCOPED_TRACE(rounding);
    ASSERT_EQ(std::fesetround(rounding), 0);
    expect_same_bits();
  }
#ifdef __SSE2__
  _mm_setcsr(_mm_getcsr() | 0x8040);  // flush to zero, denormals are zero
  expect_same_bits();
#endif
}

TEST(Half, NaNBecomesQuietAndKeepsItsUpperBits) {
  EXPECT_EQ(to_f16(std::bit_cast<float>(0x7F800001U)), 0x7E00);
  EXPECT_EQ(to_f16(std::bit_cast<float>(0xFFA00000U)), 0xFF00);
  EXPECT_EQ(to_f16(std::bit_cast<float>(0x7FC02FFFU)), 0x7E01);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(from_f16(0x7C01)), 0x7FC02000U);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(from_f16(0xFE00)), 0xFFC00000U);
}

RIFFLE_EVERY_ISA_WITH(Convert, ConvertKernel);

}  // namespace
}  // namespace riffle::kernels::testing
