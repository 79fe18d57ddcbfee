// The numbers in a TensorProto.
#pragma once

#include "io/onnx/value.hpp"

namespace onnx {
class TensorProto;
}

namespace riffle::onnx {

/// Floats (of float, float16 or double) or Numbers (of int64, int32, int8, uint8 or bool). Takes the data out of the
/// proto, so that weights are not held twice. Throws Error if the data is not exactly what type and dims say, or is of
/// another type.
Value take_data(::onnx::TensorProto& tensor);

}  // namespace riffle::onnx
