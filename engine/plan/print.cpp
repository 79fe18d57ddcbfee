#include <algorithm>
#include <cstdio>
#include <string>

#include "base/text.hpp"
#include "engine/plan/plan.hpp"

namespace riffle::plan {
namespace {

std::string shape_text(const graph::Shape& s) {
  return std::to_string(s.c) + "x" + std::to_string(s.h) + "x" + std::to_string(s.w);
}

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char line[512];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

}  // namespace

namespace {

/// Of what is cut into tiles, and why the kernel is that one.
struct Reason {
  std::string operator()(const kernels::StemArgs& a) const {
    return joined({"reads the caller's ", a.channels, " planes"});
  }
  std::string operator()(const kernels::PointwiseArgs& a) const {
    const bool by_pixels = a.split == kernels::PointwiseSplit::pixels;
    return joined({"1 x 1; ", a.tiles,
                   by_pixels ? " tiles of pixels, " : " tiles of outputs, for there are few pixels, ",
                   by_pixels ? a.tile_pixels : a.outputs / std::max(a.tiles / a.groups, 1), " each; K in ", a.parts,
                   a.parts == 1 ? " part" : " parts"});
  }
  std::string operator()(const kernels::DepthwiseArgs& a) const {
    return joined({"one filter a channel; ", a.run_count, a.run_count == 1 ? " run" : " runs"});
  }
  std::string operator()(const kernels::ConvolutionArgs&) const { return "any window and groups"; }
  std::string operator()(const kernels::RearrangeArgs& a) const {
    return joined({"numbers elsewhere, in ", a.move_count, a.move_count == 1 ? " move" : " moves"});
  }
  std::string operator()(const kernels::ConvertArgs&) const { return "the caller's numbers are of another type"; }
  template <class Args>
  std::string operator()(const Args& a) const {
    return joined({a.tiles, a.tiles == 1 ? " tile" : " tiles"});
  }
};

}  // namespace

std::string reason_for(const Step& step) {
  std::string text;
  Task task = step.task;
  for_each_call(task, [&](const auto& call) { text += (text.empty() ? "" : "; then ") + Reason()(call.args); });
  if (std::holds_alternative<Chain>(step.task)) text += "; row by row, for the second one alone reads what is large";
  return text;
}

std::string type_text(const Tensor& tensor) {
  const std::string type(name_of(tensor.type));
  if (!is_quantised(tensor.type)) return type;
  const auto& [scale, zero_point] = tensor.quantization;
  return type + " (scale " + shortest(scale) + ", zero point " + std::to_string(zero_point) + ")";
}

std::string dims_text(const Tensor& tensor) {
  if (tensor.arrangement == graph::Arrangement{}) return graph::chw(tensor.shape);
  std::string text;
  for (const std::int64_t extent : tensor.dims) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text.empty() ? "scalar" : text;
}

std::string to_text(const Tensor& tensor) {
  return tensor.name + " " + dims_text(tensor) + (tensor.type == Type::f32 ? "" : " " + type_text(tensor));
}

std::string to_text(const Plan& plan) {
  std::string text = formatted("plan of '%.60s' for %s\n", plan.name.c_str(), plan.kernels->isa);
  for (const Tensor& input : plan.inputs) text += "reads " + to_text(input) + "\n";
  for (const Tensor& output : plan.outputs) text += "writes " + to_text(output) + "\n";
  text += "\n";
  text += formatted("%4s  %-24s %-14s %-14s %9s %9s %6s  %s\n", "step", "operation", "in", "out", "MMAC", "weights KB",
                    "tiles", "name");
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& s = plan.steps[i];
    text += formatted("%4zu  %-24.40s %-14s %-14s %9.3f %9.1f %6d  %.80s\n", i, s.operation.c_str(),
                      shape_text(s.in).c_str(), shape_text(s.out).c_str(), static_cast<double>(s.macs) * 1e-6,
                      static_cast<double>(s.weight_bytes) / 1024, s.tiles, s.name.c_str());
  }
  text += formatted(
      "\narena: %.1f KB in %zu blocks, and %.1f KB of rows a thread; weights: %.1f KB, of which %.1f KB are packed\n",
      static_cast<double>(plan.arena_bytes) / 1024, plan.blocks.size(), static_cast<double>(plan.rows_bytes) / 1024,
      static_cast<double>(plan.weight_bytes) / 1024, static_cast<double>(plan.packed_bytes) / 1024);
  text += formatted("%12s %12s  %-11s %-5s %-14s %s\n", "offset KB", "size KB", "steps", "type", "shape", "name");
  for (const BlockInfo& b : plan.blocks) {
    text += formatted("%12.1f %12.1f  %4d - %-4d %-5s %-14s %.80s\n", static_cast<double>(b.offset) / 1024,
                      static_cast<double>(b.size) / 1024, b.first_step, b.last_step, name_of(b.type).data(),
                      shape_text(b.shape).c_str(), b.name.c_str());
  }
  return text;
}

}  // namespace riffle::plan
