// Backward through pooling, some rows of an image at a time.
#pragma once

#include "trainer/kernels/window.hpp"

namespace riffle::trainer {

/// dx[p][c] += the sum of dy over the windows, those of the output rows `out`, whose maximum is x[p][c]; of equal
/// values the first in the window's row-major order is the maximum, as in PyTorch. The maximum of a window with a NaN
/// in it is a NaN, which equals nothing: its dy, which is a NaN, too, goes nowhere. Input rows `in`, which are those
/// that no window before `out` reads (and behind the last all others), are written, whatever stands there.
using MaxPoolGradient = void (*)(const WindowArgs& args, Rows out, Rows in, const float* x, const float* dy, float* dx);

/// dx[p][c] += the sum over the windows that hold p, those of `out`, of dy / divisor (kernels/pool/pool.hpp has the
/// divisor).
using AveragePoolGradient = void (*)(const WindowArgs& args, Rows out, const float* dy, float* dx);

}  // namespace riffle::trainer
