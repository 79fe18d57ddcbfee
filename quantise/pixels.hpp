// A network whose input is a picture's pixels.
#pragma once

#include "engine/graph/graph.hpp"

namespace riffle::quantise {

/// The network, in floats, with the normalisation of its pictures in the weights of its first convolutions: its input
/// is of u8, the pixels themselves. What it reads is p - z of a pixel p, in all channels, where z is the mean of the
/// means, rounded. quantise() leaves such an input as it is.
///
/// It computes the same but for where a convolution pads: 0 there, which was the mean of each channel, is pixel z now.
/// (A network in integers pads with one zero point.) So it is by (z - 255 mean) / (255 deviation) that what a channel
/// is padded with changes: by at most half a pixel where all means are equal.
///
/// Throws Error where the network has another number of inputs than one, an input of another type than f32 or no
/// preprocessing, and where the input is an output or is read by anything but convolutions; for a network that is
/// quantised already.
graph::Graph on_pixels(graph::Graph graph);

}  // namespace riffle::quantise
