// What the functions that make steps have in common: the row of an operation, and how a step is appended.
#pragma once

#include "engine/graph/built.hpp"
#include "engine/plan/builder.hpp"

namespace riffle::plan {

namespace built = graph::built;

inline std::string window_text(const kernels::Window& w) {
  std::string text = joined({w.kernel_h, "x", w.kernel_w});
  if (w.stride_h != 1 || w.stride_w != 1) text += joined({" /", w.stride_h});
  if (w.dilation_h != 1 || w.dilation_w != 1) text += joined({" d", w.dilation_h});
  return text;
}

inline std::string group_text(std::int32_t groups) { return groups == 1 ? "" : joined({" g", groups}); }

inline kernels::Extent extent_of(const graph::Shape& in, const graph::Shape& out) { return {in.h, in.w, out.h, out.w}; }

inline std::int32_t taps_of(const kernels::Window& window) { return window.kernel_h * window.kernel_w; }

template <class List>
std::int32_t count_of(const List& list) {
  return static_cast<std::int32_t>(list.size());
}

/// Of a kernel that a build has left out (RIFFLE_OPERATIONS).
[[noreturn]] inline void missing(const graph::Node& node, std::string_view operation) {
  throw Unsupported({"node '", node.name, "': this build has no ", operation, " kernel"});
}

template <class Kernel>
const Kernel& PlanBuilder::row(graph::NodeId id, const kernels::Types& types, kernels::QuadCount quads) const {
  const Kernel* row = kernels::find_row<Kernel>(kernels_, types, quads);
  if (row == nullptr) {
    if (quads.most > 0 && kernels::find_row<Kernel>(kernels_, types) != nullptr) {
      throw Unsupported({"node '", node(id).name, "': no ", Kernel::operation,
                         " kernel of integers takes as many inputs, or in as many pieces; keep the node in floats"});
    }
    missing(node(id), Kernel::operation);
  }
  return *row;
}

template <class Args>
void PlanBuilder::append(const PlannedStep& s, const Label& label, typename Call<Args>::Kernel kernel, Args args) {
  Call<Args> call{std::move(args), kernel};
  Step& step = append_step(s, label, call.args.tiles);
  if constexpr (Call<Args>::has_activation) {
    if (s.kind == PlannedStep::compute) {
      float* slope = nullptr;
      if constexpr (requires { call.args.clamp.slope; }) slope = &call.args.clamp.slope;
      set_activation(s, label, step, call.args.clamp, slope, call.after);
    }
  }
  step.task = std::move(call);
}

template <class Args>
void PlanBuilder::append(const PlannedStep& s, const Label& label, typename Call<Args>::Kernel kernel, Args args,
                         Packing packing) {
  append(s, label, kernel, std::move(args));
  plan_->steps.back().weight_bytes = packing.bytes;
  packings_.push_back(std::move(packing));
}

}  // namespace riffle::plan
