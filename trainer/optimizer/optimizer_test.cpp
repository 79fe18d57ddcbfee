// Optimizers, clipping and schedules against PyTorch's (tests/golden/optimizers.txt), and what PyTorch cannot say.
#include "trainer/optimizer/optimizer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "kernels/testing.hpp"
#include "models/random.hpp"
#include "trainer/optimizer/average.hpp"
#include "trainer/optimizer/schedule.hpp"

namespace riffle::trainer {
namespace {

constexpr std::uint64_t seed = 1;

/// A line of optimizers.txt.
struct Golden {
  std::string kind;
  std::map<std::string, double> fields;
  std::vector<double> numbers;

  [[nodiscard]] double field(const std::string& name, double otherwise = 0) const {
    const auto found = fields.find(name);
    return found == fields.end() ? otherwise : found->second;
  }
  [[nodiscard]] std::string text() const {
    std::string words = kind;
    for (const auto& [name, value] : fields) words += " " + name + " " + std::to_string(value);
    return words;
  }
};

std::vector<Golden> goldens(const std::vector<std::string>& kinds) {
  std::ifstream file(RIFFLE_GOLDEN_DIR "/optimizers.txt");
  std::vector<Golden> found;
  for (std::string line; std::getline(file, line);) {
    Golden golden;
    std::istringstream words(line);
    words >> golden.kind;
    for (std::string key; words >> key && key != ":";) words >> golden.fields[key];
    for (double number = 0; words >> number;) golden.numbers.push_back(number);
    if (std::find(kinds.begin(), kinds.end(), golden.kind) != kinds.end()) found.push_back(std::move(golden));
  }
  return found;
}

/// Parameters without a network.
class Parameters {
 public:
  void add(const std::string& name, ParameterKind kind, std::vector<float> values, bool frozen = false) {
    floats_.push_back(std::move(values));
    gradients_.emplace_back(floats_.back().size());
    list_.push_back({.name = name, .kind = kind, .shape = {}, .values = {}, .gradient = {}, .frozen = frozen});
    for (std::size_t i = 0; i < list_.size(); ++i) {
      list_[i].values = floats_[i];
      list_[i].gradient = gradients_[i];
    }
  }

  /// A gradient that is a function of the step.
  void set_gradients(std::int64_t step, float factor = 1) {
    for (const Parameter& parameter : list_) {
      const std::string name = parameter.name + ".gradient." + std::to_string(step);
      const std::vector<float> gradient = models::random_values(seed, name, parameter.gradient.size(), {});
      std::transform(gradient.begin(), gradient.end(), parameter.gradient.begin(),
                     [factor](float g) { return factor * g; });
    }
  }

  Parameters() = default;
  Parameters(Parameters&&) = default;

  [[nodiscard]] std::span<const Parameter> list() const { return list_; }
  [[nodiscard]] const std::vector<std::vector<float>>& floats() const { return floats_; }

 private:
  std::vector<std::vector<float>> floats_, gradients_;
  std::vector<Parameter> list_;
};

Parameters golden_parameters() {
  Parameters parameters;
  parameters.add("weight", ParameterKind::weight, models::random_values(seed, "weight", 6, {}));
  parameters.add("bias", ParameterKind::bias, models::random_values(seed, "bias", 5, {}));
  return parameters;
}

/// Long enough for several pieces, with a rest that fills no vector.
Parameters large_parameters() {
  Parameters parameters;
  parameters.add("a", ParameterKind::weight, models::random_values(seed, "a", 40007, {}));
  parameters.add("b", ParameterKind::norm_scale, models::random_values(seed, "b", 13, {}));
  parameters.add("frozen", ParameterKind::weight, models::random_values(seed, "frozen", 101, {}), true);
  parameters.add("c", ParameterKind::weight, models::random_values(seed, "c", 20011, {}));
  return parameters;
}

class Optimizers : public kernels::testing::EveryIsa {
 protected:
  [[nodiscard]] std::unique_ptr<Optimizer> make(const Golden& golden, std::span<const Parameter> parameters,
                                                int threads = 1) const {
    const DecayOptions decay = {golden.field("decay"), golden.field("weights_only") != 0};
    if (golden.kind == "sgd") {
      return make_sgd(parameters, {golden.field("momentum"), golden.field("nesterov") != 0}, decay, threads);
    }
    const AdamOptions defaults;
    const AdamOptions options = {golden.field("beta1", defaults.beta1), golden.field("beta2", defaults.beta2),
                                 golden.field("eps", defaults.epsilon), golden.kind == "adamw"};
    return make_adam(parameters, options, decay, threads, &kernels());
  }
};

TEST_P(Optimizers, moves_parameters_as_pytorch_does) {
  const std::vector<Golden> all = goldens({"sgd", "adam", "adamw"});
  ASSERT_EQ(all.size(), 15U);
  for (const Golden& golden : all) {
    Parameters parameters = golden_parameters();
    const std::unique_ptr<Optimizer> optimizer = make(golden, parameters.list());
    const bool clips = golden.field("clip") != 0;
    auto expected = golden.numbers.begin();
    for (std::int64_t step = 0; step < 8; ++step) {
      ASSERT_GE(golden.numbers.end() - expected, clips ? 12 : 11);
      parameters.set_gradients(step, step == 2 ? 0.0F : 1.0F);
      if (clips) {
        EXPECT_NEAR(clip_gradients(parameters.list(), golden.field("clip")), *expected, 1e-6) << golden.text();
        ++expected;
      }
      optimizer->step(golden.field("rate"));
      for (const Parameter& parameter : parameters.list()) {
        for (const float value : parameter.values) {
          EXPECT_NEAR(value, *expected, 2e-6) << golden.text() << ", step " << step << ", " << parameter.name;
          ++expected;
        }
      }
    }
    EXPECT_EQ(expected, golden.numbers.end());
    EXPECT_EQ(optimizer->steps(), 8);
  }
}

TEST_P(Optimizers, threads_and_frozen_parameters_change_no_bit) {
  for (const std::string kind : {"sgd", "adam", "adamw"}) {
    const Golden options = {kind, {{"decay", 0.01}, {"momentum", 0.9}}, {}};
    Parameters one = large_parameters(), three = large_parameters();
    const auto optimizer_of_one = make(options, one.list(), 1), optimizer_of_three = make(options, three.list(), 3);
    for (std::int64_t step = 0; step < 3; ++step) {
      one.set_gradients(step);
      three.set_gradients(step);
      EXPECT_EQ(clip_gradients(one.list(), 5, 1), clip_gradients(three.list(), 5, 3));
      optimizer_of_one->step(0.01);
      optimizer_of_three->step(0.01);
    }
    EXPECT_EQ(one.floats(), three.floats()) << kind;
    EXPECT_EQ(one.floats()[2], large_parameters().floats()[2]) << kind << " moves what is frozen";
    EXPECT_NE(one.floats()[0], large_parameters().floats()[0]);
  }
}

/// A value's way does not depend on where in a parameter, and so in a vector, it stands.
TEST_P(Optimizers, every_place_is_alike) {
  for (const std::string kind : {"sgd", "adam", "adamw"}) {
    const Golden options = {kind, {{"decay", 0.01}, {"momentum", 0.9}, {"nesterov", 1}}, {}};
    Parameters parameters;
    parameters.add("same", ParameterKind::weight, std::vector<float>(20011, 0.37F));
    const auto optimizer = make(options, parameters.list());
    for (const float gradient : {0.11F, -0.03F, 0.0F, 0.57F}) {
      std::fill(parameters.list()[0].gradient.begin(), parameters.list()[0].gradient.end(), gradient);
      optimizer->step(0.013);
    }
    const std::vector<float>& values = parameters.floats()[0];
    EXPECT_EQ(values, std::vector<float>(values.size(), values[0])) << kind;
  }
}

TEST_P(Optimizers, its_state_is_all_that_it_remembers) {
  for (const std::string kind : {"sgd", "adam"}) {
    const Golden options = {kind, {{"decay", 0.01}, {"momentum", 0.9}}, {}};
    Parameters parameters = large_parameters();
    const auto optimizer = make(options, parameters.list());
    for (std::int64_t step = 0; step < 2; ++step) {
      parameters.set_gradients(step);
      optimizer->step(0.01);
    }
    Parameters resumed;
    for (const Parameter& parameter : parameters.list()) {
      resumed.add(parameter.name, parameter.kind, {parameter.values.begin(), parameter.values.end()}, parameter.frozen);
    }
    const auto other = make(options, resumed.list());
    ASSERT_EQ(other->state().size(), kind == "sgd" ? 3U : 6U);
    for (std::size_t i = 0; i < other->state().size(); ++i) {
      const OptimizerState &from = optimizer->state()[i], &to = other->state()[i];
      EXPECT_EQ(from.name, to.name);
      ASSERT_EQ(from.values.size(), to.values.size());
      std::copy(from.values.begin(), from.values.end(), to.values.begin());
    }
    other->set_steps(optimizer->steps());
    for (std::int64_t step = 2; step < 4; ++step) {
      parameters.set_gradients(step);
      resumed.set_gradients(step);
      optimizer->step(0.01);
      other->step(0.01);
    }
    EXPECT_EQ(parameters.floats(), resumed.floats()) << kind;
  }
}

TEST(Optimizer, names_its_state_as_pytorch_does) {
  const Parameters parameters = golden_parameters();
  const auto adam = make_adam(parameters.list(), {}, {});
  std::vector<std::string> names;
  for (const OptimizerState& state : adam->state()) names.push_back(state.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"weight.exp_avg", "bias.exp_avg", "weight.exp_avg_sq", "bias.exp_avg_sq"}));
}

TEST_P(Optimizers, leaves_no_denormals_behind) {
  for (const std::string kind : {"sgd", "adam"}) {
    const Golden options = {kind, {{"momentum", 0.9}}, {}};
    Parameters parameters = golden_parameters();
    const auto optimizer = make(options, parameters.list());
    parameters.set_gradients(0);
    optimizer->step(0.01);
    parameters.set_gradients(0, 0);
    for (int step = 0; step < 2000; ++step) optimizer->step(0.01);
    for (const OptimizerState& state : optimizer->state()) {
      if (state.name.ends_with("_sq")) continue;  // falls by a thousandth a step
      for (const float value : state.values) EXPECT_EQ(value, 0.0F) << kind << " " << state.name;
    }
  }
}

/// Whatever part of a vector is left over, a value's way is that of one alone.
TEST_P(Optimizers, every_size_is_alike) {
  const Golden options = {"adam", {{"decay", 0.01}}, {}};
  for (std::size_t size = 1; size <= 50; ++size) {
    Parameters together, apart;
    const std::vector<float> values = models::random_values(seed, "values", size, {});
    together.add("all", ParameterKind::weight, values);
    for (std::size_t i = 0; i < size; ++i) apart.add(std::to_string(i), ParameterKind::weight, {values[i]});
    const auto optimizer = make(options, together.list()), optimizer_of_each = make(options, apart.list());
    for (std::int64_t step = 0; step < 3; ++step) {
      together.set_gradients(step);
      for (std::size_t i = 0; i < size; ++i) apart.list()[i].gradient[0] = together.list()[0].gradient[i];
      optimizer->step(0.01);
      optimizer_of_each->step(0.01);
    }
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_EQ(together.floats()[0][i], apart.floats()[i][0]) << i << " of " << size;
      EXPECT_EQ(optimizer->state()[0].values[i], optimizer_of_each->state()[i].values[0]);
      EXPECT_EQ(optimizer->state()[1].values[i], optimizer_of_each->state()[size + i].values[0]);
    }
  }
}

TEST_P(Optimizers, adam_flushes_denormals_and_nothing_else) {
  constexpr float least = std::numeric_limits<float>::min(), infinity = std::numeric_limits<float>::infinity();
  for (const std::size_t size : {1, 5, 16, 37}) {
    Parameters parameters;
    parameters.add("p", ParameterKind::weight, std::vector<float>(size, 1.0F));
    const auto adam = make({"adam", {}, {}}, parameters.list());
    const std::span<float> average = adam->state()[0].values, square_average = adam->state()[1].values;
    const auto step_from = [&](float m, float v, float gradient) {
      std::fill(parameters.list()[0].values.begin(), parameters.list()[0].values.end(), 1.0F);
      std::fill(parameters.list()[0].gradient.begin(), parameters.list()[0].gradient.end(), gradient);
      std::fill(average.begin(), average.end(), m);
      std::fill(square_average.begin(), square_average.end(), v);
      adam->step(0.01);
    };
    for (const float sign : {1.0F, -1.0F}) {
      step_from(sign * least, least, 0);  // both fall below it
      for (std::size_t i = 0; i < size; ++i) {
        EXPECT_EQ(average[i], 0.0F);
        EXPECT_EQ(square_average[i], 0.0F);
        EXPECT_EQ(parameters.floats()[0][i], 1.0F);
      }
      step_from(sign * 2 * least, 2 * least, 0);
      for (std::size_t i = 0; i < size; ++i) {
        EXPECT_GE(sign * average[i], least);
        EXPECT_GE(square_average[i], least);
      }
    }
    step_from(0, 0, NAN);
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_TRUE(std::isnan(average[i]));
      EXPECT_TRUE(std::isnan(square_average[i]));
      EXPECT_TRUE(std::isnan(parameters.floats()[0][i]));
    }
    step_from(0, 0, 1e30F);  // its square is too large for a float
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_EQ(square_average[i], infinity);
      EXPECT_EQ(parameters.floats()[0][i], 1.0F);
    }
  }
}

RIFFLE_EVERY_ISA(Optimizers);

TEST(Optimizer, clipping_leaves_what_is_not_finite_to_be_found) {
  Parameters parameters = golden_parameters();
  parameters.set_gradients(0);
  const float before = parameters.list()[0].gradient[0];
  for (const float bad : {NAN, INFINITY}) {
    parameters.list()[1].gradient[3] = bad;
    EXPECT_FALSE(std::isfinite(clip_gradients(parameters.list(), 1)));
    EXPECT_EQ(parameters.list()[0].gradient[0], before);
  }
}

TEST(Schedule, falls_as_pytorchs_do) {
  const std::vector<Golden> all = goldens({"constant", "step", "cosine", "linear"});
  ASSERT_EQ(all.size(), 7U);
  const std::map<std::string, Decay> decays = {
      {"constant", Decay::constant}, {"step", Decay::step}, {"cosine", Decay::cosine}, {"linear", Decay::linear}};
  for (const Golden& golden : all) {
    const auto integer = [&](const std::string& name) { return static_cast<std::int64_t>(golden.field(name)); };
    const Schedule schedule = {decays.at(golden.kind), golden.field("rate"), integer("steps"),
                               integer("warmup"),      integer("every"),     golden.field("factor")};
    ASSERT_EQ(golden.numbers.size(), static_cast<std::size_t>(schedule.steps));
    for (std::int64_t step = 0; step < schedule.steps; ++step) {
      EXPECT_NEAR(rate_of(schedule, step), golden.numbers[static_cast<std::size_t>(step)], 1e-9)
          << golden.text() << ", step " << step;
    }
  }
}

TEST(Schedule, ends_at_zero_and_stays) {
  for (const Decay decay : {Decay::cosine, Decay::linear}) {
    const Schedule schedule = {.decay = decay, .rate = 1, .steps = 100, .warmup = 10};
    EXPECT_EQ(rate_of(schedule, 10), 1.0);
    EXPECT_GT(rate_of(schedule, 99), 0.0);
    for (const std::int64_t step : {100, 101, 1000}) EXPECT_EQ(rate_of(schedule, step), 0.0);
  }
  // A run that is all warm-up.
  EXPECT_EQ(rate_of({.decay = Decay::linear, .rate = 1, .steps = 4, .warmup = 4}, 3), 1.0);
}

TEST(MovingAverage, follows_and_stands_for_what_it_follows) {
  Parameters parameters;
  parameters.add("p", ParameterKind::weight, {1.0F, 2.0F});
  parameters.add("frozen", ParameterKind::weight, {5.0F}, true);
  std::vector<float> mean = {4.0F};
  const std::vector<Statistic> statistics = {{"mean", mean}};
  MovingAverage average(parameters.list(), statistics, 0.5);
  ASSERT_EQ(average.state().size(), 2U);
  EXPECT_EQ(average.state()[0].name, "p.average");

  parameters.list()[0].values[0] = 2.0F;
  mean[0] = 0.0F;
  average.update(0);  // d = 1 / 10
  EXPECT_FLOAT_EQ(average.state()[0].values[0], 1.9F);
  EXPECT_FLOAT_EQ(average.state()[0].values[1], 2.0F);
  EXPECT_FLOAT_EQ(average.state()[1].values[0], 0.4F);
  average.update(1000);  // d = 0.5
  EXPECT_FLOAT_EQ(average.state()[0].values[0], 1.95F);
  EXPECT_FLOAT_EQ(average.of(parameters.list()[0].values)[0], 1.95F);
  EXPECT_FLOAT_EQ(average.of(mean)[0], 0.2F);
  EXPECT_EQ(average.of(parameters.list()[1].values)[0], 5.0F);
  // What is followed stays as it is.
  EXPECT_EQ(parameters.list()[0].values[0], 2.0F);
  EXPECT_EQ(mean[0], 0.0F);
}

}  // namespace
}  // namespace riffle::trainer
