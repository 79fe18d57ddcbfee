// Post-training quantisation: a network in floats and some of the pictures that it is for become a network in integers
// of 8 bits, which engine/graph/quantization.hpp describes.
//
//   statistics   the float network's tensors, of all pictures: ranges of channels, samples of what layers read
//   agreement    which nodes compute in integers, and which channels must have a scale in common
//   scales       a zero point a node and a scale a channel, chosen by what they cost the layers that read them
//   rewrite      the quantised graph
//   refine       weights rounded and biases corrected, layer by layer, for what the quantised layers before it give
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "quantise/peers.hpp"

namespace riffle::quantise {

/// What a network is run on: of each of its inputs `count` pictures, planes (N, C, H, W) of floats. Of an input of
/// bytes they are the numbers that the bytes stand for.
struct Samples {
  std::vector<std::vector<float>> inputs;
  std::int64_t count = 0;
  std::vector<std::string> names = {};  ///< of the pictures, for messages; or none
  Peers peers = {};                     ///< which have the other pictures, if there are any
};

/// How ranges are chosen.
enum class Method : std::uint8_t {
  best,        ///< by the error of the layers that read the numbers
  minmax,      ///< from the least to the largest number that occurs
  percentile,  ///< likewise, without the most extreme hundredth of a percent on either side
  mse,         ///< by the squared error of the numbers themselves
};

struct Options {
  Method method = Method::best;
  std::vector<std::string> keep = {};  ///< names of nodes that stay in floats
  int threads = 1;
  /// Called now and then with what part of the work is done, 0 to 1.
  std::function<void(double)> progress = {};
};

/// A network before and after. A node is named by its place in `before`.
struct Quantised {
  graph::Graph before;                      ///< optimised, in floats
  graph::Graph after;                       ///< in integers; the metadata are the same
  graph::ById<graph::NodeId> node;          ///< what computes the same in `after`; -1 of what only moves channels
  graph::ById<std::vector<double>> scales;  ///< a channel's: what an integer is worth; 1 where results are real
};

/// Throws Error for samples that are none, that do not fit the network, hold a number that is not finite or are one
/// constant; for a name to keep that no node has; for a network that is quantised already. The same bits for the same
/// pictures, on any number of threads and of peers, of which each gets the whole.
Quantised quantise(graph::Graph graph, const Samples& samples, const Options& options = {});

/// Without samples, of a network whose ranges are known: `inputs` are those of its inputs, infinite where they are not
/// known, and the bounds of activations are those of what it computes. What has none, and what reads that, stays in
/// floats. Weights are rounded as they are, nothing is tried out or corrected. Throws Error where nothing is left.
Quantised quantise_within_bounds(graph::Graph graph, std::span<const kernels::Clamp> inputs);

/// As many pictures as samples should have at most, so that their tensors fit into memory.
std::int64_t most_samples(const graph::Graph& graph);

/// What a layer's results lost.
struct Loss {
  graph::NodeId node = -1;  ///< of Quantised::before
  bool integers = false;    ///< does it compute in integers?
  double decibels = 0.0;    ///< signal to noise, of its results against those of the float network
  std::int64_t weight_bytes = 0;
};

/// Of every node that computes something, in the network's order, on these samples and those of their peers.
std::vector<Loss> losses(const Quantised& quantised, const Samples& samples, int threads);

}  // namespace riffle::quantise
