// Functions of one number that a model spells out in several operators: x * sigmoid(x), x * clip(x + 3, 0, 6) / 6,
// x/2 * (1 + erf(x / sqrt(2))) and the like become the one operator that they are.
//
// They are recognised by what they compute, not by how it is written: whatever is computed number by number from a
// single tensor and constants is followed at some points, near 0 and far away, and what comes to a known function's
// values there, to 2e-6, is that function. The nodes that nobody reads any more are gone then.
// So is an Expand of a PRelu's slopes.
#pragma once

namespace onnx {
class GraphProto;
}

namespace riffle::onnx {

void join_spelt_out(::onnx::GraphProto& graph);

}  // namespace riffle::onnx
