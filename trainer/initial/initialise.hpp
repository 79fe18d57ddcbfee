// What a network starts training from: PyTorch's initialisations.
#pragma once

#include <cstdint>

#include "models/models.hpp"

namespace riffle::trainer {

// A weight's fans are PyTorch's: fan_in = shape[1] * kernel, fan_out = shape[0] * kernel, where shape is (outputs,
// inputs / groups, kernel_h, kernel_w) or (outputs, inputs) and kernel the number of taps. With groups that makes
// fan_out larger than what one input reaches; it is what PyTorch does.
//
// The rest is as PyTorch's layers start: biases uniform within 1 / sqrt(fan_in of the weight beside them), batch norm
// 1, 0, 0, 1.
//
// Element i of parameter `name` depends on (seed, name, i) alone. A bias's interval is that of its weight, so that
// "x.weight" is asked for before "x.bias", as models/ does; a bias without a weight is 0. One thread uses a source and
// its copies.

/// torch.nn.init.xavier_uniform_: within sqrt(6 / (fan_in + fan_out)).
models::WeightSource xavier_uniform(std::uint64_t seed);

/// torch.nn.init.kaiming_uniform_(mode="fan_out", nonlinearity="relu"): within sqrt(6 / fan_out).
models::WeightSource kaiming_uniform(std::uint64_t seed);

/// torch.nn.init.kaiming_normal_(mode="fan_out", nonlinearity="relu"): of standard deviation sqrt(2 / fan_out). Its
/// last bits are those of this machine's logarithm and cosine.
models::WeightSource kaiming_normal(std::uint64_t seed);

}  // namespace riffle::trainer
