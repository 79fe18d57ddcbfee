// What the choice of scales leaves to be done: rounding weights for the numbers that they meet, and putting right what
// all the rounding before has moved.
#pragma once

#include "quantise/rewrite.hpp"

namespace riffle::quantise {

/// Goes through the quantised network, layer by layer: rounds the weights again, now that is known what integers the
/// layers before it give, and makes the mean of each output what it is in the float network.
void refine(Quantised& quantised, const Agreement& agreement, const Scales& scales, const Statistics& statistics,
            const Samples& samples, int threads, const std::function<void(double)>& progress);

}  // namespace riffle::quantise
