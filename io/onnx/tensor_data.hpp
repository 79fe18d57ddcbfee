// The numbers in a TensorProto.
#pragma once

#include "io/onnx/value.hpp"

namespace onnx {
class TensorProto;
}

namespace riffle::onnx {

/// Floats (of float, float16, bfloat16, double, int8 or uint8; of all but double they stay what they are) or Numbers
/// (of int64, int32 or bool). Takes the data out of the proto, so that weights are not held twice. Throws Error if the
/// data is not exactly what type and dims say, or is of another type.
Value take_data(::onnx::TensorProto& tensor);

}  // namespace riffle::onnx
