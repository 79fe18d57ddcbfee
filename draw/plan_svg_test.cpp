#include "draw/plan_svg.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/count.hpp"
#include "tests/expect_error.hpp"
#include "tests/networks.hpp"

namespace riffle::tests {
namespace {

plan::Step step(std::string name, plan::Task task, graph::Shape in, graph::Shape out, std::int64_t macs) {
  plan::Step step;
  step.name = std::move(name);
  step.operation = "an operation";
  step.kernel = "f32-kernel";
  step.task = std::move(task);
  step.in = in;
  step.out = out;
  step.macs = macs;
  return step;
}

const kernels::Block somewhere;

/// A stem, a unit of stride 2 whose first step still works at the stem's resolution, and a classifier.
plan::Plan small_plan() {
  plan::Plan plan;
  plan.name = "<net> & \"co\"";
  plan.kernels = kernels::find_kernels("scalar");
  plan.inputs = {{"image", {16, 16, 3}}};
  plan.outputs = {{"classes", {1, 1, 10}}};
  kernels::PointwiseArgs pointwise;
  pointwise.blocks = &somewhere;
  plan.steps = {
      step("stem", plan::Call<kernels::StemArgs>{}, {16, 16, 3}, {8, 8, 24}, 41472),
      step("down.depthwise", plan::Call<kernels::DepthwiseArgs>{}, {8, 8, 24}, {4, 4, 24}, 3456),
      step("up.pointwise", plan::Call<kernels::PointwiseArgs>{pointwise}, {8, 8, 24}, {8, 8, 58}, 89088),
      step("mean", plan::Call<kernels::GlobalAveragePoolArgs>{}, {4, 4, 24}, {1, 1, 24}, 0),
      step("classifier", plan::Call<kernels::FullyConnectedArgs>{}, {1, 1, 24}, {1, 1, 10}, 240),
  };
  plan.blocks = {{"stem", {8, 8, 24}, Type::f32, 24, 0, 6144, 0, 2},
                 {"up.pointwise", {8, 8, 58}, Type::f32, 58, 6144, 14848, 2, 3}};
  plan.arena_bytes = 6144 + 14848;
  return plan;
}

TEST(PlanPicture, is_one_whole_file) {
  const std::string svg = draw::plan_svg(small_plan());
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  for (const std::string element : {"text", "title"}) {
    EXPECT_EQ(count(svg, "<" + element), count(svg, "</" + element + ">")) << element;
  }
  EXPECT_TRUE(contains(svg, "&lt;net&gt; &amp; &quot;co&quot;"));
  for (const std::string bad : {"nan", "inf", "width=\"-", "height=\"-", "href"}) {
    EXPECT_EQ(count(svg, bad), 0) << bad;
  }
  for (const std::string name : {"down.depthwise", "8 × 8", "4 × 4", "Memory plan"}) EXPECT_TRUE(contains(svg, name));
}

TEST(PlanPicture, a_stage_ends_where_the_resolution_falls) {
  const auto stages = draw::stages_of(small_plan());
  ASSERT_EQ(stages.size(), 3U);
  EXPECT_EQ(stages[0].last, 1U);
  EXPECT_EQ(stages[1].last, 3U);
  EXPECT_EQ(stages[1].shape.h, 4);
  EXPECT_EQ(stages[2].last, 5U);
}

double attribute_at(const std::string& svg, std::size_t element, const std::string& name) {
  return std::stod(svg.substr(svg.find(" " + name + "=\"", element) + name.size() + 3));
}

/// Of the last box whose tooltip begins with `text`; NaN where there is none.
double attribute_before(const std::string& svg, const std::string& text, const std::string& name) {
  const std::size_t tooltip = svg.rfind("><title>" + text);
  return tooltip == std::string::npos ? std::nan("") : attribute_at(svg, svg.rfind("<rect", tooltip), name);
}

TEST(PlanPicture, names_and_draws_what_the_caller_brings_and_gets) {
  const auto plan = plan::make(testing::two_headed_network());
  const std::string svg = draw::plan_svg(*plan);
  for (const std::string words :
       {"image 3 × 16 × 16 u8", "mask 1 × 16 × 16", "classes 5 × 1 × 1", "map 2 × 16 × 16 i8"}) {
    EXPECT_EQ(count(svg, ">" + words), 2) << words << ": in the network, and below the arena";
  }
  const std::string image = "image 3 x 16 x 16 u8 (scale 0.0078125, zero point 128)";
  EXPECT_TRUE(contains(svg, ">" + image + " 768 B<"));
  EXPECT_TRUE(contains(svg, ">type conversion<"));
  // A bar stands over the steps that touch its tensor.
  const std::string last = std::to_string(plan->steps.size() - 1);
  EXPECT_EQ(attribute_before(svg, image + " steps 0 to 0", "x"), attribute_before(svg, "0: image convert", "x"));
  EXPECT_EQ(attribute_before(svg, "classes 5 x 1 x 1 steps " + last + " to " + last, "x"),
            attribute_before(svg, last + ": dense fully connected", "x"));
}

/// As many as there are, they stay on the page.
TEST(PlanPicture, many_inputs_take_several_rows) {
  plan::Plan plan = small_plan();
  plan.inputs.assign(100, {"a rather long name of an input", {64, 64, 3}});
  const std::string svg = draw::plan_svg(plan);
  for (std::size_t at = svg.find("<rect"); at != std::string::npos; at = svg.find("<rect", at + 1)) {
    const double right = attribute_at(svg, at, "x") + attribute_at(svg, at, "width");
    EXPECT_LE(right, 1600.0);
  }
  EXPECT_EQ(count(svg, ">a rather long name of an input 3 × 64 × 64<"), 100);
}

TEST(PlanPicture, of_next_to_nothing) {
  plan::Plan plan = small_plan();
  plan.steps.resize(1);
  plan.steps[0].macs = 0;
  plan.blocks.clear();
  plan.arena_bytes = 0;
  const std::string svg = draw::plan_svg(plan);
  EXPECT_EQ(count(svg, "nan") + count(svg, "inf"), 0);
}

}  // namespace
}  // namespace riffle::tests
