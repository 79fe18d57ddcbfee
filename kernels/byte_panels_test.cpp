// How weights of bytes are packed, whatever instruction set reads them.
#include "kernels/byte_panels.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <numeric>
#include <vector>

#include "kernels/dot_panels.hpp"

namespace riffle::kernels {
namespace {

TEST(BytePanels, AQuadStandsAsItsFormSays) {
  const std::array<std::int8_t, 4> four = {1, 2, 3, -4};
  const auto packed = [&](QuadForm form) {
    std::vector<std::byte> to(32);
    pack_quad(four.data(), 2, 4, form, to.data());
    std::vector<std::pair<std::size_t, int>> numbers;  // where there is one, and which
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (to[i] != std::byte{0}) numbers.emplace_back(i, static_cast<std::int8_t>(to[i]));
    }
    return numbers;
  };
  using Numbers = std::vector<std::pair<std::size_t, int>>;
  for (const QuadForm form : {QuadForm::bytes, QuadForm::matrices, QuadForm::eights}) {
    EXPECT_EQ(packed(form), (Numbers{{8, 1}, {9, 2}, {10, 3}, {11, -4}}));
  }
  EXPECT_EQ(packed(QuadForm::pairs), (Numbers{{4, 1}, {5, 2}, {12, 3}, {13, -4}}));
  EXPECT_EQ(packed(QuadForm::words), (Numbers{{8, 1}, {10, 3}, {24, 2}, {26, -4}, {27, -1}}));
}

TEST(BytePanels, ByEightsHaveBiasesAndFactorsTwice) {
  const BytePanels panels{4, 1, QuadForm::eights};
  const std::vector<std::int8_t> values = {1, 2, 3, 4, 5, 6};  // three outputs of two inputs
  const std::vector<std::int32_t> bias = {10, 20, 30}, reads = {0, 1, -1, -1}, order = {2, 0, 1};
  const std::vector<float> factors = {0.25F, 0.5F, 0.75F};
  ASSERT_EQ(byte_panels_bytes(panels, 1, 1, 3), 4 * (2 * 8 + 8) + 1 + 128);
  std::vector<std::byte> packed(static_cast<std::size_t>(byte_panels_bytes(panels, 1, 1, 3)), std::byte{255});
  pack_byte_panels(panels, 1, 1, 3, {values, bias, factors}, reads, order, packed);
  std::array<std::int32_t, 8> sums{};
  std::array<float, 8> scales{};
  std::memcpy(sums.data(), packed.data(), 32);
  std::memcpy(scales.data(), packed.data() + 32, 32);
  EXPECT_EQ(sums, (std::array<std::int32_t, 8>{30, 10, 30, 10, 20, 0, 20, 0}));
  EXPECT_EQ(scales, (std::array<float, 8>{0.75F, 0.25F, 0.75F, 0.25F, 0.5F, 0, 0.5F, 0}));
  std::array<std::int8_t, 32> weights{};
  std::memcpy(weights.data(), packed.data() + 64, 32);
  std::array<std::int8_t, 32> expected{};
  expected[0] = 5, expected[1] = 6, expected[8] = 1, expected[9] = 2, expected[16] = 3, expected[17] = 4;
  EXPECT_EQ(weights, expected);
}

/// What is known of one output's results.
int facts(std::vector<std::int8_t> weights, std::int32_t bias, float factor) {
  const BytePanels panels{4, 1, QuadForm::bytes};
  weights.resize((weights.size() + 3) / 4 * 4);
  const auto quads = static_cast<std::int32_t>(weights.size() / 4);
  std::vector<std::int32_t> reads(weights.size());
  std::iota(reads.begin(), reads.end(), 0);
  std::vector<std::byte> packed(static_cast<std::size_t>(byte_panels_bytes(panels, 1, quads, 1)));
  const std::array<std::int32_t, 1> biases = {bias}, order = {0};
  const std::array<float, 1> factors = {factor};
  pack_byte_panels(panels, 1, quads, 1, {weights, biases, factors}, reads, order, packed);
  return std::to_integer<int>(packed[packed.size() - 129]);
}

TEST(BytePanels, SayWhatIsKnownOfTheirResults) {
  constexpr int all = products_fit | small_results | exact_results | exact_sums;
  EXPECT_EQ(facts({1}, 0, 0.5F), all);
  EXPECT_EQ(facts({-128, -128}, 0, 0.5F), all);
  EXPECT_EQ(facts({-128, 0, -127}, 0, 0.5F), all);
  EXPECT_EQ(facts({-128, 0, -128}, 0, 0.5F), all & ~products_fit);
  EXPECT_EQ(facts({0, -128, 0, -128}, 0, 0.5F), all & ~products_fit);
  EXPECT_EQ(facts({0, 0, 0, 0, -128, 0, -128}, 0, 0.5F), all & ~products_fit);
  EXPECT_EQ(facts({-128, 0, 0, 0, 0, 0, -128}, 0, 0.5F), all) << "in different quads";
  // A sum is at most the bias and 127 here, at least the bias less 128.
  constexpr int small = products_fit | small_results;
  EXPECT_EQ(facts({1}, 0x800000 - 127, 0x1p-10F), products_fit);
  EXPECT_EQ(facts({1}, 0x800000 - 128, 0x1p-10F), small);
  EXPECT_EQ(facts({1}, 0x400000 - 127, 0x1p-10F), small);
  EXPECT_EQ(facts({1}, 0x400000 - 128, 0x1p-10F), all);
  EXPECT_EQ(facts({1}, -0x400000 + 128, 0x1p-10F), small);
  EXPECT_EQ(facts({1}, -0x400000 + 129, 0x1p-10F), all);
  EXPECT_EQ(facts({-1}, 0x400000 - 128, 0x1p-10F), small) << "most is of -128 times -1";
  EXPECT_EQ(facts({-1}, -0x400000 + 127, 0x1p-10F), small);
  EXPECT_EQ(facts({-1}, -0x400000 + 128, 0x1p-10F), all);
  EXPECT_EQ(facts({1}, 32768 - 512 - 127, 1.0F), products_fit);
  EXPECT_EQ(facts({1}, 32768 - 512 - 128, 1.0F), all);
  EXPECT_EQ(facts({1}, -32768 + 512 + 128, 1.0F), products_fit);
  EXPECT_EQ(facts({0}, 0, 40000.0F), products_fit) << "the factor itself";
  // How fine a factor may be.
  EXPECT_EQ(facts({1}, 300, 1 + 0x1p-15F), all);
  EXPECT_EQ(facts({1}, 300, 1 + 0x1p-16F), all & ~exact_sums);
  EXPECT_EQ(facts({1}, 300, 1 + 0x1p-17F), small);
  EXPECT_EQ(facts({1}, 300, 2.0F), small);
}

/// Of two columns of the same panel: what is known of each quad.
std::vector<int> quad_facts(std::vector<std::int8_t> weights, std::vector<std::int8_t> others) {
  const BytePanels panels{4, 1, QuadForm::pairs};
  const auto quads = static_cast<std::int32_t>(weights.size() / 4);
  std::vector<std::int32_t> reads(weights.size());
  std::iota(reads.begin(), reads.end(), 0);
  std::vector<std::byte> packed(static_cast<std::size_t>(byte_panels_bytes(panels, 1, quads, 2)));
  weights.insert(weights.end(), others.begin(), others.end());
  const std::array<std::int32_t, 2> biases{}, order = {0, 1};
  const std::array<float, 2> factors = {1, 1};
  pack_byte_panels(panels, 1, quads, 2, {weights, biases, factors}, reads, order, packed);
  std::vector<int> facts;
  for (std::size_t q = weights.size() / 8; q > 0; --q) {
    facts.push_back(std::to_integer<int>(packed[packed.size() - 128 - q]));
  }
  return facts;
}

TEST(BytePanels, SayWhereFourProductsFit) {
  const auto do_fit = [](std::vector<std::int8_t> weights) {
    const std::vector<int> facts = quad_facts(weights, std::vector<std::int8_t>(8));
    EXPECT_EQ(facts[1], four_fit | next_four_fit);
    return facts[0] == (four_fit | next_four_fit);
  };
  // 16 bits hold -128 times 256, but not -128 times -256.
  EXPECT_TRUE(do_fit({64, 0, 64, 0, 64, 0, 64, 0}));
  EXPECT_FALSE(do_fit({-64, 0, -64, 0, -64, 0, -64, 0}));
  EXPECT_FALSE(do_fit({0, -64, 0, -64, 0, -64, 0, -64}));
  EXPECT_TRUE(do_fit({-63, 64, -64, 64, -64, 64, -64, 64}));
  EXPECT_FALSE(do_fit({0, 65, 0, 64, 0, 64, 0, 64}));
  EXPECT_TRUE(do_fit({127, 0, -128, 0, 2, 0, 0, 0}));  // 32767 and -32768
  EXPECT_FALSE(do_fit({127, 0, -128, 0, 3, 0, 0, 0}));
  EXPECT_FALSE(do_fit({127, 0, -128, 0, 2, 0, -1, 0}));
  EXPECT_FALSE(do_fit({-128, 0, 0, 0, -128, 0, 0, 0}));
  // Whichever column it is, and of any two neighbours.
  const std::vector<std::int8_t> large = {0, 0, 0, 0, 0, 0, 0, 0, 127, 0, 0, 0, 127, 0, 4, 0, 0, 0, 0, 0};
  const std::vector<int> expected = {four_fit, four_fit | next_four_fit, next_four_fit, four_fit | next_four_fit,
                                     four_fit | next_four_fit};
  EXPECT_EQ(quad_facts(large, std::vector<std::int8_t>(20)), expected);
  EXPECT_EQ(quad_facts(std::vector<std::int8_t>(20), large), expected);
}

TEST(DotPanels, AreOfWholeVectors) {
  const Panels panels{Type::bf16, 16, 2, false, 2, QuadForm::bytes};
  EXPECT_EQ(dot_panels_bytes(panels, 3, 6, 17), 3 * 2 * 16 * (4 + 6 * 2));
  EXPECT_EQ(dot_panels_bytes(panels, 3, 5, 16), 3 * 16 * (4 + 6 * 2));
}

}  // namespace
}  // namespace riffle::kernels
