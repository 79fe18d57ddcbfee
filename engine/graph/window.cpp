// From a window's rule to its numbers, for an operand of one size.
#include <algorithm>

#include "engine/graph/graph.hpp"

namespace riffle::graph {
namespace {

void expect_range(const char* what, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most) {
    throw Error({what, " is ", value, ", not in ", least, " to ", most});
  }
}

/// One axis of a window and of its operand.
struct Axis {
  const char* direction;  ///< "high", "wide"
  std::int64_t in, kernel, stride, before, after, dilation;
  std::int64_t out = 0;

  [[nodiscard]] std::int64_t reach() const { return (kernel - 1) * dilation + 1; }

  void resolve(AutoPad auto_pad, bool ceil_mode) {
    expect_range("kernel", kernel, 0, max_extent);
    expect_range("stride", stride, 1, max_extent);
    expect_range("padding", before, 0, max_extent);
    expect_range("padding", after, 0, max_extent);
    expect_range("dilation", dilation, 1, max_extent);
    if (kernel == 0) {
      if (stride != 1 || before != 0 || after != 0 || dilation != 1 || auto_pad != AutoPad::none) {
        throw Error("a window as large as the operand has a stride, padding or dilation");
      }
      kernel = in;
    }
    if (auto_pad != AutoPad::none) {
      const std::int64_t padded = in + before + after;
      const std::int64_t wanted = (padded + stride - 1) / stride;
      const std::int64_t total = std::max<std::int64_t>((wanted - 1) * stride + reach() - padded, 0);
      const std::int64_t less = total / 2, more = total - less;
      before += auto_pad == AutoPad::same_upper ? less : more;
      after += auto_pad == AutoPad::same_upper ? more : less;
      expect_range("padding", before, 0, max_extent);
      expect_range("padding", after, 0, max_extent);
    }
    const std::int64_t room = in + before + after - reach();
    // With ceil_mode a last window may hang over the end, but none that would begin behind the operand's last pixel:
    // so PyTorch and ONNX have it.
    const std::int64_t overhang = ceil_mode ? stride - 1 : 0;
    if (room + overhang < 0) {
      throw Error(
          {"a window ", reach(), " ", direction, " does not fit into ", in, " with padding ", before, " and ", after});
    }
    out = (room + overhang) / stride + 1;
    if (ceil_mode && (out - 1) * stride >= in + before) --out;
  }
};

}  // namespace

ResolvedWindow resolve(const Window& w, const Shape& operand) {
  Axis rows{"high", operand.h, w.kernel_h, w.stride_h, w.pad_top, w.pad_bottom, w.dilation_h};
  Axis columns{"wide", operand.w, w.kernel_w, w.stride_w, w.pad_left, w.pad_right, w.dilation_w};
  rows.resolve(w.auto_pad, w.ceil_mode);
  columns.resolve(w.auto_pad, w.ceil_mode);
  const auto narrow = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  return {.window = {.kernel_h = narrow(rows.kernel),
                     .kernel_w = narrow(columns.kernel),
                     .stride_h = w.stride_h,
                     .stride_w = w.stride_w,
                     .pad_top = narrow(rows.before),
                     .pad_left = narrow(columns.before),
                     .pad_bottom = narrow(rows.after),
                     .pad_right = narrow(columns.after),
                     .dilation_h = w.dilation_h,
                     .dilation_w = w.dilation_w},
          .extent = {operand.h, operand.w, narrow(rows.out), narrow(columns.out)}};
}

}  // namespace riffle::graph
