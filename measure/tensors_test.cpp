#include "measure/tensors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/run/session.hpp"
#include "tests/networks.hpp"

namespace riffle::tests {
namespace {

plan::Plan plan_of_every_type() {
  plan::Plan plan;
  for (const TypeFacts& facts : type_facts) {
    if (facts.type != Type::i32) plan.inputs.push_back({std::string(facts.name), {3, 5, 7}, facts.type});
  }
  plan.outputs = {{"f32", {1, 1, 11}}, {"u8", {1, 1, 13}, Type::u8}};
  return plan;
}

std::vector<std::byte> bytes_at(const void* begin, std::int64_t size) {
  const auto* first = static_cast<const std::byte*>(begin);
  return {first, first + size};
}

TEST(Tensors, every_tensor_has_a_batch_of_memory_that_no_other_has) {
  const plan::Plan plan = plan_of_every_type();
  constexpr std::int64_t batch = 3;
  const measure::Tensors tensors(plan, batch);
  std::vector<std::pair<const std::byte*, std::int64_t>> places;
  for (std::size_t i = 0; i < plan.inputs.size(); ++i) {
    places.emplace_back(static_cast<const std::byte*>(tensors.inputs()[i]), batch * plan.inputs[i].bytes());
  }
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    places.emplace_back(static_cast<const std::byte*>(tensors.outputs()[i]), batch * plan.outputs[i].bytes());
  }
  std::sort(places.begin(), places.end());
  for (std::size_t i = 0; i < places.size(); ++i) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(places[i].first) % 64, 0U);
    const std::byte* next = i + 1 < places.size() ? places[i + 1].first : places[0].first + tensors.bytes();
    EXPECT_LE(places[i].first + places[i].second, next);
  }
  EXPECT_EQ(tensors.output_floats(0).size(), 33U);
}

TEST(Tensors, memory_that_is_enough_is_kept) {
  const plan::Plan plan = plan_of_every_type();
  const std::int64_t wanted = measure::Tensors(plan).bytes();
  measure::Tensors enough(wanted), too_little(wanted - 1);
  for (measure::Tensors* tensors : {&enough, &too_little}) {
    tensors->place(plan);
    EXPECT_EQ(tensors->bytes(), wanted);
    const void* first = tensors->inputs()[0];
    tensors->place(plan);
    EXPECT_EQ(tensors->inputs()[0], first);
  }
}

TEST(Tensors, inputs_are_numbers_of_their_types) {
  const plan::Plan plan = plan_of_every_type();
  measure::Tensors tensors(plan), again(plan);
  const auto value = [&](std::size_t input, std::size_t i) {
    const void* numbers = tensors.inputs()[input];
    const auto half = [&] { return static_cast<const std::uint16_t*>(numbers)[i]; };
    switch (plan.inputs[input].type) {
      case Type::f32:
        return static_cast<const float*>(numbers)[i];
      case Type::f16:
        return kernels::from_f16(half());
      case Type::bf16:
        return kernels::from_bf16(half());
      case Type::i8:
        return static_cast<float>(static_cast<const std::int8_t*>(numbers)[i]);
      default:
        return static_cast<float>(static_cast<const std::uint8_t*>(numbers)[i]);
    }
  };
  for (std::size_t input = 0; input < plan.inputs.size(); ++input) {
    const float before = value(input, 0);
    EXPECT_TRUE(before == 63.0F || (before > 0.7F && before < 2.0F)) << plan.inputs[input].name << ": " << before;
  }
  tensors.fill_inputs();
  again.fill_inputs();
  for (std::size_t input = 0; input < plan.inputs.size(); ++input) {
    const plan::Tensor& tensor = plan.inputs[input];
    std::set<float> values;
    for (std::size_t i = 0; i < 105; ++i) values.insert(value(input, i));
    EXPECT_GT(values.size(), 70U) << tensor.name << ": not the same number over and over";
    if (!is_quantised(tensor.type)) {
      EXPECT_GE(*values.begin(), -1.0F) << tensor.name;
      EXPECT_LE(*values.rbegin(), 1.0F) << tensor.name;
    }
    EXPECT_EQ(bytes_at(tensors.inputs()[input], tensor.bytes()), bytes_at(again.inputs()[input], tensor.bytes()));
  }
}

TEST(Tensors, a_network_of_several_runs_on_them) {
  const auto plan = plan::make(testing::two_headed_network());
  run::Session session(plan);
  measure::Tensors tensors(*plan, 2);
  tensors.fill_inputs();
  session.run(tensors.inputs(), tensors.outputs(), 2);
  const std::span<float> classes = tensors.output_floats(0);
  ASSERT_EQ(classes.size(), 10U);
  for (const float value : classes) EXPECT_TRUE(std::isfinite(value));
  EXPECT_NE(classes[0], classes[5]) << "the second image is another one";
}

}  // namespace
}  // namespace riffle::tests
