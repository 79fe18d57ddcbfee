#include "engine/plan/plan.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <stdexcept>

#include "engine/passes/passes.hpp"
#include "engine/plan/contracts.hpp"
#include "engine/run/session.hpp"
#include "tests/environment.hpp"
#include "tests/networks.hpp"

namespace riffle {
namespace {

class FamilyPlan : public ::testing::TestWithParam<Type> {};

INSTANTIATE_TEST_SUITE_P(Precision, FamilyPlan, ::testing::Values(Type::f32, Type::f16, Type::bf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST_P(FamilyPlan, HoldsNoStepThatOnlyMovesOrConvertsData) {
  for (const testing::Network& network : testing::family(64)) {
    SCOPED_TRACE(network.name);
    const auto plan = plan::make(network.graph, {.precision = GetParam()});
    EXPECT_EQ(plan->precision, plan::precision_of(*plan->kernels, GetParam()));
    for (const plan::BlockInfo& block : plan->blocks) EXPECT_EQ(block.type, plan->precision) << block.name;
    for (const plan::Step& step : plan->steps) {
      // Neither a copy, nor a border: the stem reads the caller's planes and the classifier writes the caller's
      // output.
      EXPECT_EQ(step.kind, plan::StepKind::compute) << step.name << ": " << step.operation;
      EXPECT_NE(step.operation, "activation") << step.name;
      // V2's residual is added behind the ReLU, where it is no convolution's epilogue: a step that computes.
      if (network.name.find("residual") == std::string::npos) {
        EXPECT_NE(step.operation, "add") << step.name;
      }
    }
  }
}

/// A function runs on each tile's results: all tiles of a step together write every number once.
TEST(Plan, TilesWriteEveryNumberOnce) {
  graph::Graph graph = testing::small_network();
  passes::optimise(graph);
  for (graph::Node& node : graph.nodes) {
    graph::Activation* activation = graph::fused_activation(node.operation);
    if (activation != nullptr) activation->function = kernels::Function::hard_swish;
  }
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    if (!kernels->supported()) continue;
    for (const std::int32_t size : {32, 64, 128}) {
      SCOPED_TRACE(std::string(kernels->isa) + ", " + std::to_string(size));
      const auto plan = plan::make(graph, {.kernels = kernels, .height = size, .width = size});
      bool split_by_panels = false;
      for (const plan::Step& step : plan->steps) {
        plan::Task task = step.task;
        if (std::holds_alternative<plan::Chain>(task)) continue;  // whose tiles are rows of both
        plan::for_each_call(task, [&](auto& call) {
          if constexpr (requires { call.args.clamp; }) {
            ASSERT_NE(call.after.kernel, nullptr) << step.name;
            std::map<std::int64_t, int> written;
            const std::int32_t at_once = call.after.tiles_at_once;
            for (std::int32_t tile = 0; tile < call.args.tiles; tile += at_once) {
              const kernels::TileRange tiles{tile, std::min(tile + at_once, call.args.tiles)};
              plan::for_each_written(call.args, call.after, tiles, [&](const plan::Written& w) {
                for (std::int64_t p = w.first; p < w.first + w.pixels; ++p) {
                  for (std::int32_t c = 0; c < w.channels; ++c) {
                    ++written[w.block.first.offset + 4 * (p * w.block.pixel_stride + c)];
                  }
                }
              });
            }
            EXPECT_EQ(static_cast<std::int64_t>(written.size()), step.out.size()) << step.name;
            for (const auto& [place, times] : written) ASSERT_EQ(times, 1) << step.name << ", byte " << place;
          }
        });
        if (const auto* call = std::get_if<plan::Call<kernels::PointwiseArgs>>(&step.task)) {
          const bool by_panels = call->args.split == kernels::PointwiseSplit::panels;
          split_by_panels |= by_panels;
          // Pixels do not go through the kernel one by one for the function's sake.
          EXPECT_TRUE(by_panels || call->after.tiles_at_once >= std::min(call->args.pixels, 2)) << step.name;
        }
      }
      EXPECT_TRUE(split_by_panels || size != 32);
    }
  }
}

TEST(Plan, OfTheFamilyKeepsWhatKernelsRelyOn) {
  for (const testing::Network& network : testing::family(64)) {
    SCOPED_TRACE(network.name);
    EXPECT_NO_THROW(plan::check_contracts(*plan::make(network.graph)));
  }
}

TEST(Plan, ThatBreaksAContractIsFound) {
  const auto message = [](auto change) -> std::string {
    plan::Plan plan = *plan::make(testing::small_network());
    for (plan::Step& step : plan.steps) {
      auto* call = std::get_if<plan::Call<kernels::PointwiseArgs>>(&step.task);
      if (call == nullptr) continue;
      kernels::Block block = call->args.blocks[0];
      change(plan, call->args, block);
      std::vector<kernels::Block> blocks(call->args.blocks, call->args.blocks + call->args.groups);
      blocks[0] = block;
      call->args.blocks = blocks.data();
      try {
        plan::check_contracts(plan);
      } catch (const std::logic_error& error) {
        return error.what();
      }
      break;
    }
    return "no error";
  };
  const auto expect = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  EXPECT_EQ(message([](auto&, auto&, auto&) {}), "no error");
  expect(message([](auto& plan, auto&, auto& block) { block.first.offset = plan.arena_bytes - 4; }),
         "outside the memory");
  expect(message([](auto&, auto&, auto& block) { block.first.offset += 2; }), "not aligned");
  expect(message([](auto&, auto& args, auto& block) { block.first = args.runs[0].first; }), "it writes where it reads");
}

/// A leaky ReLU, or one with a slope a channel, is no step of its own behind whatever computes, in whichever order a
/// block has its channels.
TEST(Plan, ALeakyActivationIsPartOfTheStepBeforeIt) {
  const auto network = [](bool has_slopes) {
    graph::Graph graph;
    graph::NodeId x = graph.add("input", graph::Input{{24, 20, 3}});
    const auto add = [&](const char* name, std::int32_t inputs, std::int32_t groups, std::int32_t kernel) {
      graph::Convolution o;
      o.outputs = 8;
      o.groups = groups;
      o.window.kernel_h = o.window.kernel_w = kernel;
      o.window.pad_top = o.window.pad_left = o.window.pad_bottom = o.window.pad_right = kernel / 2;
      o.weights = graph::Constant(testing::noise(std::int64_t{8} * (inputs / groups) * kernel * kernel, 5));
      x = graph.add(name, o, {x});
      graph::Activation leaky{{}, kernels::Function::leaky, 0.25F};
      if (has_slopes) leaky = {.function = kernels::Function::prelu, .slopes = graph::Constant(testing::noise(8, 6))};
      x = graph.add(std::string(name) + ".leaky", graph::Activate{leaky}, {x});
    };
    add("stem", 3, 1, 3);
    add("depthwise", 8, 8, 3);
    const graph::NodeId left = graph.add("left", graph::Slice{0, 4}, {x});
    const graph::NodeId right = graph.add("right", graph::Slice{4, 4}, {x});
    x = graph.add("swapped", graph::Concat{}, {right, left});
    add("pointwise", 8, 1, 1);
    add("general", 8, 2, 3);
    graph.outputs = {{x}};
    return graph;
  };
  for (const bool has_slopes : {false, true}) {
    const graph::Graph graph = network(has_slopes);
    const auto plan = plan::make(graph);
    std::vector<std::string> steps;
    for (const plan::Step& step : plan->steps) {
      if (step.kind == plan::StepKind::compute) steps.push_back(step.name);
      if (const auto* call = std::get_if<plan::Call<kernels::PointwiseArgs>>(&step.task)) {
        EXPECT_EQ(call->after.kernel == nullptr, !has_slopes) << "one slope is a matter of the kernel itself";
      }
    }
    EXPECT_EQ(steps, (std::vector<std::string>{"stem", "depthwise", "pointwise", "general"}));
  }
}

/// What a plan can do without changes how a result is computed, not what it is.
TEST(Plan, CanBeMadeWithoutEachRefinement) {
  const graph::Graph graph = testing::small_network();
  const auto result = [&](const plan::Without& without, std::size_t& steps) {
    run::Session session(plan::make(graph, {.without = without}));
    steps = session.plan().steps.size();
    const std::vector<float> input = testing::noise(session.plan().inputs[0].shape.size(), 4);
    std::vector<float> output(static_cast<std::size_t>(session.plan().outputs[0].shape.size()));
    session.run(input.data(), output.data());
    return output;
  };
  std::size_t usual = 0;
  const std::vector<float> expected = result({}, usual);
  plan::Without all;
  for (const plan::Refinement& one : plan::refinements) {
    SCOPED_TRACE(one.name);
    plan::Without without;
    without.*one.left_out = all.*one.left_out = true;
    std::size_t steps = 0;
    const std::vector<float> got = result(without, steps);
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-4F);
    const bool adds_steps = one.name != "halves" && one.name != "order";
    EXPECT_EQ(steps > usual, adds_steps);
  }
  std::size_t steps = 0;
  const std::vector<float> got = result(all, steps);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-4F);
}

TEST(Plan, ChannelRunsOfV2StayFew) {
  const auto plan = plan::make(testing::small_network());
  for (const plan::Step& step : plan->steps) {
    if (const auto* call = std::get_if<plan::Call<kernels::PointwiseArgs>>(&step.task)) {
      EXPECT_LE(call->args.run_begin[1], 10) << step.name;
    }
  }
}

/// Squeeze and excitation, and a residual with more channels than there are: a step a gate, and none for the zeros.
/// A branch is only added to what it goes beside, and stands in its order: it is one run, cut where the other one ends.
TEST(Plan, WhatIsOnlyAddedStandsInTheOrderOfTheOther) {
  const models::V2Spec spec{.flavour = models::Flavour::study_note, .residual = true, .height = 64, .width = 64};
  const auto plan = plan::make(models::shufflenet_v2(spec, models::random_weights(1)));
  int sums = 0;
  for (const plan::Step& step : plan->steps) {
    const auto* sum = std::get_if<plan::Call<kernels::ElementwiseArgs>>(&step.task);
    if (sum == nullptr || sum->args.b == nullptr) continue;
    ++sums;
    const auto goes_on = [](const kernels::ChannelRun& before, const kernels::ChannelRun& run) {
      return before.first.behind(before.channels, before.type).offset == run.first.offset;
    };
    for (std::int32_t r = 1; r < sum->args.run_count; ++r) {
      EXPECT_TRUE(goes_on(sum->args.a[r - 1].input, sum->args.a[r].input)) << step.name;
      EXPECT_FALSE(goes_on(sum->args.b[r - 1], sum->args.b[r])) << step.name;
    }
  }
  EXPECT_EQ(sums, 13);
}

TEST(Plan, AGateIsOneStepAndZerosAreNone) {
  graph::Graph graph;
  const graph::NodeId input = graph.add("input", graph::Input{{16, 16, 3}});
  const auto convolution = [&](std::int32_t inputs, std::int32_t outputs) {
    graph::Convolution result;
    result.outputs = outputs;
    std::vector<float> weights;
    for (std::int32_t i = 0; i < inputs * outputs; ++i) weights.push_back(static_cast<float>(i % 7) * 0.1F - 0.3F);
    result.weights = graph::Constant(std::move(weights));
    return result;
  };
  const graph::NodeId x = graph.add("x", convolution(3, 8), {input});
  const graph::NodeId mean = graph.add("mean", graph::GlobalAveragePool{}, {x});
  graph::Convolution squeeze = convolution(8, 8);
  squeeze.activation = graph::Activation::sigmoid;
  const graph::NodeId gate = graph.add("gate", squeeze, {mean});
  const graph::NodeId gated = graph.add("gated", graph::Binary{.kind = graph::BinaryKind::multiply}, {x, gate});
  const graph::NodeId zeros = graph.add("zeros", graph::Literal{{1, 1, 4}, graph::Constant(std::vector<float>(4))}, {});
  const graph::NodeId wide = graph.add("wide", graph::Concat{}, {gated, zeros});
  const graph::NodeId more = graph.add("more", convolution(8, 12), {gated});
  const graph::NodeId sum = graph.add("sum", graph::Binary{}, {more, wide});
  graph.outputs = {{graph.add("last", convolution(12, 5), {sum})}};
  const auto plan = plan::make(graph);
  std::vector<std::string> steps;
  for (const plan::Step& step : plan->steps) steps.push_back(step.name);
  EXPECT_EQ(steps, (std::vector<std::string>{"x", "mean", "gate", "gated", "more", "last", "last"}));
  EXPECT_NO_THROW(plan::check_contracts(*plan));
}

/// What a build leaves out (RIFFLE_OPERATIONS) is no kernel in its tables.
TEST(Plan, OperationsThatABuildDoesNotHaveAreRefusedByNode) {
  graph::Graph graph;
  const graph::NodeId input = graph.add("input", graph::Input{{8, 8, 8}});
  graph::Convolution convolution;
  convolution.outputs = 8;
  convolution.window = {.kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
  convolution.weights = graph::Constant(std::vector<float>(std::size_t{8} * 8 * 9, 0.1F));
  const graph::NodeId wide = graph.add("wide", convolution, {input});
  const graph::NodeId pooled = graph.add("pooled", graph::Pool{graph::PoolKind::max, {}}, {wide});
  const graph::NodeId sum = graph.add("sum", graph::Binary{}, {pooled, input});
  graph.outputs = {{graph.add("odds", graph::Softmax{}, {sum})}};

  const auto message = [&](const kernels::Kernels& table) -> std::string {
    plan::Options options;
    options.kernels = &table;
    try {
      (void)plan::make(graph, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const kernels::Kernels& all = *kernels::find_kernels(kernels::best_kernels(), Type::f32);
  EXPECT_EQ(message(all), "");
  kernels::Kernels less = all;
  std::get<std::span<const kernels::ConvolutionKernel>>(less.rows) = {};
  EXPECT_EQ(message(less), "node 'wide': this build has no general convolution kernel");
  less = all;
  std::get<std::span<const kernels::ElementwiseKernel>>(less.rows) = {};
  EXPECT_EQ(message(less), "node 'sum': this build has no elementwise kernel");
  less = all;
  std::get<std::span<const kernels::SoftmaxKernel>>(less.rows) = {};
  EXPECT_EQ(message(less), "node 'odds': this build has no softmax kernel");
}

TEST(Plan, BlocksThatLiveAtOnceDoNotOverlap) {
  for (const testing::Network& network : testing::family(64)) {
    SCOPED_TRACE(network.name);
    const auto plan = plan::make(network.graph);
    for (const plan::BlockInfo& a : plan->blocks) {
      EXPECT_LE(a.offset + a.size, plan->arena_bytes);
      EXPECT_GE(a.pixel_stride, a.shape.c);
      for (const plan::BlockInfo& b : plan->blocks) {
        if (&a == &b || a.first_step > b.last_step || b.first_step > a.last_step) continue;
        EXPECT_TRUE(a.offset + a.size <= b.offset || b.offset + b.size <= a.offset) << a.name << " and " << b.name;
      }
    }
  }
}

/// The stem's result alone would be 1.2 MB, the first unit's 0.7 MB.
TEST(Plan, V2AtFullSizeWorksInAMegabyte) {
  const graph::Graph graph = models::shufflenet_v2(models::V2Spec{}, models::random_weights(1));
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    plan::Options options;
    options.kernels = kernels;
    const auto plan = plan::make(graph, options);
    EXPECT_LE(plan->arena_bytes + plan->rows_bytes, 1'000'000) << kernels->isa;
  }
}

TEST(Plan, ChainsHoldWhatIsOnlyReadByTheNextRows) {
  const auto plan = plan::make(models::shufflenet_v2(models::V2Spec{}, models::random_weights(1)));
  std::vector<std::string> chains;
  for (const plan::Step& step : plan->steps) {
    const auto* chain = std::get_if<plan::Chain>(&step.task);
    if (chain == nullptr) continue;
    chains.push_back(step.name);
    EXPECT_EQ(step.tiles, step.out.h) << step.name;
    EXPECT_EQ(chain->producer_rows, 2 * step.out.h) << step.name;
    EXPECT_EQ(plan::ring_rows(chain->window), 4) << step.name;
    // What the producer makes has no block.
    const std::string producer = step.name.substr(0, step.name.find(" + "));
    for (const plan::BlockInfo& block : plan->blocks) EXPECT_NE(block.name, producer);
  }
  const std::vector<std::string> expected = {"stem.0.0 + stem.1", "units.0.right.0.0 + units.0.right.1.0",
                                             "units.4.right.0.0 + units.4.right.1.0",
                                             "units.12.right.0.0 + units.12.right.1.0"};
  EXPECT_EQ(chains, expected);
}

TEST(Plan, AShuffleThatReachesTheOutputIsUndoneAtTheBorder) {
  graph::Graph graph;
  graph.add("input", graph::Input{{3, 5, 6}});
  graph.outputs = {{graph.add("shuffle", graph::Shuffle{2}, {0})}};
  run::Session session(plan::make(graph));
  const std::vector<float> input = testing::noise(6 * 15, 3);
  std::vector<float> output(input.size());
  session.run(input.data(), output.data());
  for (std::size_t c = 0; c < 6; ++c) {
    const std::size_t from = c % 2 * 3 + c / 2;
    for (std::size_t p = 0; p < 15; ++p) EXPECT_EQ(output[c * 15 + p], input[from * 15 + p]);
  }
}

TEST(Plan, ASoftmaxOfScatteredChannelsGathersThem) {
  graph::Graph graph;
  graph.add("input", graph::Input{{2, 2, 4}});
  const auto active = graph.add("relu", graph::Activate{graph::Activation::relu}, {0});
  const auto joined = graph.add("concat", graph::Concat{}, {active, 0});
  graph.outputs = {{graph.add("softmax", graph::Softmax{}, {joined})}};
  run::Session session(plan::make(graph));
  const std::vector<float> input = testing::noise(16, 5);
  std::vector<float> output(32);
  session.run(input.data(), output.data());
  for (std::size_t p = 0; p < 4; ++p) {
    double sum = 0;
    for (std::size_t c = 0; c < 4; ++c) {
      const double x = static_cast<double>(input[c * 4 + p]);
      sum += std::exp(x < 0 ? 0 : x) + std::exp(x);
    }
    for (std::size_t c = 0; c < 4; ++c) {
      const double x = static_cast<double>(input[c * 4 + p]);
      EXPECT_NEAR(static_cast<double>(output[c * 4 + p]), std::exp(x < 0 ? 0 : x) / sum, 1e-6);
      EXPECT_NEAR(static_cast<double>(output[(c + 4) * 4 + p]), std::exp(x) / sum, 1e-6);
    }
  }
}

const void* weights_of_the_classifier(const plan::Plan& plan) {
  return std::get<plan::Call<kernels::FullyConnectedArgs>>(plan.steps.back().task).args.packed;
}

TEST(Plan, AClassifiersWeightsStayWhereTheyAre) {
  for (const testing::Network& network : testing::family(64)) {
    SCOPED_TRACE(network.name);
    const graph::Constant& weights = std::get<graph::FullyConnected>(network.graph.nodes.back().operation).weights;
    const auto plan = plan::make(network.graph);
    EXPECT_EQ(weights_of_the_classifier(*plan), weights.values().data());
    EXPECT_EQ(plan->steps.back().weight_bytes, static_cast<std::int64_t>(weights.size() * sizeof(float)));
    std::int64_t others = 0;
    for (const plan::Step& step : plan->steps) others += step.weight_bytes;
    others -= plan->steps.back().weight_bytes;
    EXPECT_GE(plan->packed_bytes, others);
    EXPECT_LT(plan->packed_bytes, others + 64 * static_cast<std::int64_t>(plan->steps.size() + 4));
  }
}

TEST(Plan, KeepsWeightsThatStayWhereTheyAre) {
  std::weak_ptr<const void> watched;
  std::shared_ptr<const plan::Plan> plan;
  {
    const auto values = std::make_shared<const std::vector<float>>(testing::noise(30, 4));
    watched = values;
    graph::Graph graph;
    graph.add("input", graph::Input{{1, 1, 10}});
    graph.outputs = {{graph.add("dense", graph::FullyConnected{3, graph::Constant(*values, values), {}}, {0})}};
    plan = plan::make(std::move(graph));
    EXPECT_EQ(weights_of_the_classifier(*plan), values->data());
  }
  EXPECT_FALSE(watched.expired());
  plan = nullptr;
  EXPECT_TRUE(watched.expired());
}

/// Weights that a pass has changed, inputs that are read and outputs that are written in another order than theirs.
TEST(Plan, AFullyConnectedLayersWeightsArePackedWhereTheyMustBe) {
  const std::vector<float> input = testing::noise(12, 5), weights = testing::noise(12 * 6, 6),
                           bias = testing::noise(6, 7);
  const graph::FullyConnected dense{6, graph::Constant(weights), graph::Constant(bias)};
  const auto expected = [&](std::span<const std::size_t> inputs) {
    std::vector<double> sums(bias.begin(), bias.end());
    for (std::size_t n = 0; n < sums.size(); ++n) {
      for (std::size_t k = 0; k < inputs.size(); ++k) {
        sums[n] += static_cast<double>(input[inputs[k]]) * static_cast<double>(weights[n * 12 + k]);
      }
    }
    return sums;
  };
  const auto expect = [&](const graph::Graph& graph, const std::vector<double>& results) {
    const auto plan = plan::make(graph);
    EXPECT_GT(plan->packed_bytes, 0);
    run::Session session(plan);
    std::vector<float> output(results.size());
    session.run(input.data(), output.data());
    for (std::size_t i = 0; i < results.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(output[i]), results[i], 1e-5) << i;
    }
  };
  std::vector<std::size_t> natural(12), shuffled(12);
  for (std::size_t c = 0; c < 12; ++c) natural[c] = c, shuffled[c] = c % 3 * 4 + c / 3;

  graph::Graph graph;
  graph.add("input", graph::Input{{1, 1, 12}});
  const graph::NodeId shuffle = graph.add("shuffle", graph::Shuffle{3}, {0});
  graph.outputs = {{graph.add("dense", dense, {shuffle})}};
  expect(graph, expected(shuffled));

  // Channel 5 is read before the others, so that it is written first.
  graph.nodes.resize(1);
  const graph::NodeId first = graph.add("dense", dense, {0});
  const graph::NodeId last = graph.add("last", graph::Slice{5, 1}, {first});
  const graph::NodeId odds = graph.add("odds", graph::Softmax{}, {last});
  graph.outputs = {{graph.add("concat", graph::Concat{}, {odds, first})}};
  std::vector<double> both = expected(natural);
  both.insert(both.begin(), 1.0);
  expect(graph, both);

  graph.nodes.resize(1);
  const auto sixes = [](float value) { return graph::Constant(std::vector<float>(6, value)); };
  const graph::NodeId before = graph.add("dense", dense, {0});
  graph.outputs = {{graph.add("norm", graph::BatchNorm{sixes(2), sixes(3), sixes(0), sixes(1), 0}, {before})}};
  std::vector<double> normal = expected(natural);
  for (double& x : normal) x = 2 * x + 3;
  expect(graph, normal);
}

TEST(Plan, RiffleIsaForcesEveryInstructionSetThatRunsHere) {
  for (const kernels::Kernels* kernels : kernels::all_kernels()) {
    if (!kernels->supported() || is_quantised(kernels->type)) continue;
    if (kernels->of<kernels::StemKernel>().empty()) continue;  // multiplies matrices, and leaves the rest to others
    const testing::Environment isa("RIFFLE_ISA", kernels->isa);
    const auto plan = plan::make(testing::small_network(), {.precision = kernels->type});
    EXPECT_EQ(plan->kernels, kernels);
    for (const plan::Step& step : plan->steps) {
      EXPECT_TRUE(std::string(step.kernel).ends_with(std::string("-") + kernels->isa)) << step.kernel;
    }
  }
}

TEST(Plan, RiffleIsaThatNamesNothingIsAnError) {
  const testing::Environment isa("RIFFLE_ISA", "mmx");
  try {
    (void)plan::make(testing::small_network());
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("'mmx': this build has none of that name; what runs here"),
              std::string::npos)
        << error.what();
  }
}

TEST(Plan, SaysWhatTheCallersTensorsAndItsWeightsAre) {
  const auto plan = plan::make(testing::small_network());
  EXPECT_EQ(plan->inputs[0].dims, (std::vector<std::int64_t>{3, 64, 64}));
  EXPECT_EQ(plan->outputs[0].dims, (std::vector<std::int64_t>{10})) << "of one pixel it is a vector";
  std::int64_t bytes = 0;
  for (const plan::Step& step : plan->steps) bytes += step.weight_bytes;
  EXPECT_GT(bytes, 0);
  EXPECT_EQ(plan->weight_bytes, bytes);
}

TEST(Plan, IsOfTheHeightOrTheWidthThatIsGivenAlone) {
  const graph::Graph graph = testing::small_network();
  EXPECT_EQ(plan::make(graph, {.height = 96})->inputs[0].shape, (graph::Shape{96, 64, 3}));
  EXPECT_EQ(plan::make(graph, {.width = 96})->inputs[0].shape, (graph::Shape{64, 96, 3}));
}

TEST(Plan, ASizeThatDoesNotFitIsAnError) {
  plan::Options options;
  options.height = 100000;
  EXPECT_THROW((void)plan::make(testing::small_network(), options), Error);
}

TEST(Plan, IsTextForPeople) {
  const auto plan = plan::make(testing::small_network());
  const std::string text = plan::to_text(*plan);
  EXPECT_NE(text.find("stem 3x3 /2"), std::string::npos);
  EXPECT_NE(text.find("arena: "), std::string::npos);
  EXPECT_NE(text.find("classifier"), std::string::npos);
}

}  // namespace
}  // namespace riffle
