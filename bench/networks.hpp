// The networks that are measured: those of ShuffleNet V1's and V2's papers, and the one-channel, ten-class variants.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "engine/graph/graph.hpp"
#include "engine/plan/plan.hpp"
#include "models/models.hpp"

namespace riffle::bench {

struct Network {
  std::string name;  ///< "v1-g3-x1.0", "v2-x0.5-note"
  graph::Graph (*build)(const Network&, const models::WeightSource&) = nullptr;
  std::int32_t groups = 0;
  double width = 1;
  models::Flavour flavour = models::Flavour::paper;
};

std::span<const Network> networks();

/// A plan with random weights; the last one asked for is kept, so that a network's benchmarks share it.
std::shared_ptr<const plan::Plan> plan_of(const Network& network, const kernels::Kernels& kernels);

/// The same steps with weights of zero: cheap, for a list of what there is.
std::shared_ptr<const plan::Plan> outline_of(const Network& network, const kernels::Kernels& kernels);

// One function a family of benchmarks; each registers what this CPU runs.
void register_networks();
void register_kernels();
void register_peaks();

}  // namespace riffle::bench
