// How work is cut is part of no result: a wrong choice would only be slow. So the choices themselves are held.
#include "engine/plan/tiling.hpp"

#include <gtest/gtest.h>

#include <string>

namespace riffle::plan {
namespace {

constexpr Machine phone = {.l1_numbers = 8192, .line_numbers = 16};
constexpr Machine server = {.l1_numbers = 8192, .line_numbers = 16, .sum_cost = 64};

/// Of 8 lanes, two vectors a panel: tiles of 12 pixels, or of 6 where a panel has two vectors.
kernels::PointwiseKernel kernel_of(Type type = Type::f32, std::int32_t dot = 1) {
  kernels::PointwiseKernel kernel;
  kernel.types = {.input = type, .weights = type, .output = type};
  kernel.lanes = 8;
  kernel.max_vectors = 2;
  kernel.tile_rows = [](std::int32_t vectors) { return 12 / vectors; };
  kernel.dot = dot;
  return kernel;
}

struct Layer {
  std::int32_t pixels, groups, inputs, runs, outputs;
};

std::string tiled(const Machine& machine, const Layer& l, const kernels::PointwiseKernel& kernel = kernel_of()) {
  const PointwiseTiling t = tile_pointwise(machine, kernel, l.pixels, l.groups, l.inputs, l.runs, l.outputs);
  EXPECT_EQ(t.tile_pixels, 1) << "pixels are shared out one by one";
  return "K in " + std::to_string(t.parts) + ", blocks of " + std::to_string(t.block_pixels) + ", " +
         std::to_string(t.tiles) + (t.split == kernels::PointwiseSplit::pixels ? " pixels" : " panels") + ", " +
         std::to_string(t.tiles_at_once) + " at once";
}

TEST(Tiling, OfAPointwiseConvolutionMovesLittle) {
  EXPECT_EQ(tiled(server, {3136, 1, 24, 1, 24}), "K in 1, blocks of 120, 3136 pixels, 120 at once");
  EXPECT_EQ(tiled(server, {784, 1, 58, 2, 58}), "K in 1, blocks of 60, 784 pixels, 60 at once");
  EXPECT_EQ(tiled(server, {784, 1, 58, 40, 58}), "K in 1, blocks of 786, 784 pixels, 60 at once");
  EXPECT_EQ(tiled(server, {196, 1, 116, 3, 116}), "K in 1, blocks of 30, 196 pixels, 30 at once");
  EXPECT_EQ(tiled(server, {49, 1, 232, 1, 232}), "K in 1, blocks of 54, 49 pixels, 12 at once");
  EXPECT_EQ(tiled(server, {49, 1, 464, 2, 1024}), "K in 2, blocks of 54, 64 panels, 1 at once");
  EXPECT_EQ(tiled(server, {196, 1, 1024, 1, 16}), "K in 1, blocks of 198, 196 pixels, 198 at once");
  EXPECT_EQ(tiled(server, {12544, 1, 300, 1, 8}), "K in 1, blocks of 12552, 12544 pixels, 444 at once");
  EXPECT_EQ(tiled(server, {1000, 1, 800, 1, 500}), "K in 1, blocks of 1002, 32 panels, 1 at once");
  EXPECT_EQ(tiled(server, {784, 3, 80, 4, 20}), "K in 1, blocks of 36, 784 pixels, 36 at once");
}

TEST(Tiling, AllWeightsMayStay) {
  kernels::PointwiseKernel wide = kernel_of();
  wide.lanes = 16;
  wide.max_vectors = 4;
  wide.tile_rows = [](std::int32_t vectors) { return 24 / vectors; };
  EXPECT_EQ(tiled(phone, {49, 1, 64, 8, 32}, wide), "K in 1, blocks of 12, 49 pixels, 12 at once");
  EXPECT_EQ(tiled(phone, {49, 1, 80, 2, 58}, wide), "K in 1, blocks of 6, 49 pixels, 6 at once");
}

TEST(Tiling, OnAPhoneAPartOfManyInputsMayWait) {
  EXPECT_EQ(tiled(phone, {196, 1, 1024, 1, 16}), "K in 5, blocks of 198, 196 pixels, 198 at once");
  EXPECT_EQ(tiled(phone, {49, 1, 464, 2, 1024}), "K in 2, blocks of 54, 64 panels, 1 at once");
  EXPECT_EQ(tiled(phone, {784, 1, 800, 1, 500}), "K in 4, blocks of 786, 32 panels, 1 at once");
  EXPECT_EQ(tiled(phone, {3136, 1, 127, 1, 128}), "K in 1, blocks of 30, 3136 pixels, 24 at once");
  EXPECT_EQ(tiled(phone, {3136, 1, 2000, 1, 16}), "K in 9, blocks of 3138, 3136 pixels, 222 at once");
}

TEST(Tiling, APartIsOfNoFewInputs) {
  EXPECT_EQ(tiled(phone, {49, 1, 60, 30, 16}), "K in 1, blocks of 54, 49 pixels, 54 at once");
  EXPECT_EQ(tiled(phone, {49, 1, 100, 30, 24}), "K in 1, blocks of 6, 49 pixels, 6 at once");
  EXPECT_EQ(tiled(phone, {196, 1, 60, 1, 256}), "K in 1, blocks of 66, 196 pixels, 12 at once");
}

TEST(Tiling, SumsOfBytesAndOfDotProductsAreOfOnePart) {
  EXPECT_EQ(tiled(phone, {784, 1, 800, 1, 500}, kernel_of(Type::i8)), "K in 1, blocks of 786, 32 panels, 1 at once");
  EXPECT_EQ(tiled(phone, {49, 1, 60, 30, 16}, kernel_of(Type::i8)), "K in 1, blocks of 54, 49 pixels, 54 at once");
  EXPECT_EQ(tiled(phone, {784, 1, 800, 1, 500}, kernel_of(Type::u8)), "K in 1, blocks of 786, 32 panels, 1 at once");
  EXPECT_EQ(tiled(phone, {784, 1, 800, 1, 500}, kernel_of(Type::bf16, 2)),
            "K in 1, blocks of 786, 32 panels, 1 at once");
}

TEST(Tiling, FewPixelsAndLargeWeightsAreSharedByPanels) {
  EXPECT_EQ(tiled(server, {16, 1, 100, 1, 100}), "K in 1, blocks of 18, 16 pixels, 18 at once");
  EXPECT_EQ(tiled(server, {15, 1, 100, 1, 100}), "K in 1, blocks of 18, 7 panels, 1 at once");
  EXPECT_EQ(tiled(server, {1, 1, 100, 1, 17}), "K in 1, blocks of 6, 2 panels, 1 at once");
  EXPECT_EQ(tiled(server, {1, 1, 100, 1, 16}), "K in 1, blocks of 6, 1 pixels, 6 at once")
      << "one panel cannot be shared";
  EXPECT_EQ(tiled(server, {1, 3, 100, 1, 16}), "K in 1, blocks of 6, 3 panels, 1 at once") << "three groups can";
  EXPECT_EQ(tiled(server, {49, 1, 512, 1, 512}), "K in 1, blocks of 54, 49 pixels, 6 at once")
      << "32 times what L1 holds";
  EXPECT_EQ(tiled(server, {49, 1, 513, 1, 512}), "K in 1, blocks of 54, 32 panels, 1 at once");
  EXPECT_EQ(tiled(server, {49, 2, 512, 1, 512}), "K in 1, blocks of 54, 64 panels, 1 at once");
}

TEST(Tiling, RowsAndPixelsFitL1AndAreEnoughToShare) {
  EXPECT_EQ(tile_rows(server, 224, 1000), 8) << "L1 holds eight rows";
  EXPECT_EQ(tile_rows(server, 224, 100), 18) << "a twelfth of the rows";
  EXPECT_EQ(tile_rows(server, 224, 0), 18);
  EXPECT_EQ(tile_rows(server, 224, 1), 18);
  EXPECT_EQ(tile_rows(server, 120000, 1), 8192);
  EXPECT_EQ(tile_rows(server, 24, 100), 2);
  EXPECT_EQ(tile_rows(server, 5, 100), 1);
  EXPECT_EQ(tile_rows(server, 224, 10000), 1) << "no row fits";
  EXPECT_EQ(tile_pixels(server, 784, 1000), 8);
  EXPECT_EQ(tile_pixels(server, 784, 100), 66) << "a twelfth, rounded up";
  EXPECT_EQ(tile_pixels(server, 784, 0), 66);
  EXPECT_EQ(tile_pixels(server, 120000, 1), 8192);
  EXPECT_EQ(tile_pixels(server, 13, 100), 2);
  EXPECT_EQ(tile_pixels(server, 12, 100), 1);
  EXPECT_EQ(tile_pixels(server, 784, 10000), 1);
  EXPECT_EQ(ceil_div(12, 4), 3);
  EXPECT_EQ(ceil_div(13, 4), 4);
}

TEST(Tiling, AMachineIsCountedInNumbersOfItsType) {
  const kernels::Kernels& best = kernels::best_kernels();
  EXPECT_EQ(machine_of(best, Type::f32).l1_numbers, 8192);
  EXPECT_EQ(machine_of(best, Type::f16).l1_numbers, 16384);
  EXPECT_EQ(machine_of(best, Type::i8).l1_numbers, 32768);
  EXPECT_EQ(machine_of(best, Type::f32).line_numbers, 16);
  EXPECT_EQ(machine_of(best, Type::bf16).line_numbers, 32);
  EXPECT_EQ(machine_of(best, Type::f32).sum_cost, std::string(best.isa).starts_with("neon") ? 6 : 64);
}

}  // namespace
}  // namespace riffle::plan
