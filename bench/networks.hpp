// The networks that are measured: those of ShuffleNet V1's and V2's papers, and the one-channel, ten-class variants.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "engine/graph/graph.hpp"
#include "engine/plan/plan.hpp"
#include "models/models.hpp"

namespace riffle::bench {

struct Network {
  std::string name;  ///< "v1-g3-x1.0", "v2-x0.5-note"
  std::function<graph::Graph(const models::WeightSource&)> build;
};

std::span<const Network> networks();

/// The instruction set that floats are computed with.
inline const kernels::Kernels& kernels_of_floats() {
  return *kernels::find_kernels(kernels::choose_kernels(), Type::f32);
}

/// What an instruction set computes layers of: the numbers in its vectors, or bytes, or either.
enum class Numbers : std::uint8_t { own, bytes };
bool has_layers_of(Numbers numbers, const kernels::Kernels& kernels);

/// A plan with random weights; the last one asked for is kept, so that a network's benchmarks share it.
std::shared_ptr<const plan::Plan> plan_of(const Network& network, const kernels::Kernels& kernels,
                                          Numbers numbers = Numbers::own);

/// The same steps with weights of zero: cheap, for a list of what there is.
std::shared_ptr<const plan::Plan> outline_of(const Network& network, const kernels::Kernels& kernels, Numbers numbers);

/// Inferences of a session; counts multiply-adds and bytes.
void run_network(benchmark::State& state, const Network& network, int threads);

// One function a family of benchmarks; each registers what this CPU runs.
void register_networks();
void register_kernels();
void register_frames();
void register_converts();
void register_functions();
void register_peaks();
void register_guidelines();

}  // namespace riffle::bench
