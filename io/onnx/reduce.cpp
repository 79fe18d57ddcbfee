// What is over whole axes: sums, means, maxima, norms, the index of the largest.
#include <algorithm>

#include "io/onnx/combine.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

struct Reduction {
  std::string_view type;
  graph::ReduceKind kind;
};
constexpr Reduction reductions[] = {
    {"ReduceMean", graph::ReduceKind::mean},     {"ReduceMax", graph::ReduceKind::maximum},
    {"ReduceMin", graph::ReduceKind::minimum},   {"ReduceSum", graph::ReduceKind::sum},
    {"ReduceL1", graph::ReduceKind::sum},        {"ReduceL2", graph::ReduceKind::l2},
    {"ReduceSumSquare", graph::ReduceKind::sum},
};

/// Without the axes that were reduced, which are one long.
View dropped(View view, const std::vector<bool>& reduced) {
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < view.axes.size(); ++i) {
    if (!reduced[i]) axes.push_back(std::move(view.axes[i]));
  }
  view.axes = std::move(axes);
  return view;
}

}  // namespace

void import_reduce(Call& call) {
  const auto& [type, kind] = *std::ranges::find(reductions, call.type(), &Reduction::type);
  View view = call.tensor(0);
  const auto given = call.list("axes", 1);
  const bool keep = call.integer("keepdims", 1) != 0;
  const bool is_of_all = !given || given->empty();
  if (call.integer("noop_with_empty_axes", 0) != 0 && is_of_all) return call.result(std::move(view));
  std::vector<bool> axes(view.axes.size(), is_of_all);
  for (const std::int64_t axis : given.value_or(std::vector<std::int64_t>{})) {
    axes[Call::axis(axis, view.axes.size())] = true;
  }
  Importer& importer = call.importer;
  if (type == "ReduceSumSquare") {
    view = combined(importer, call.name() + ".squares", graph::BinaryKind::multiply, view, view);
  }
  if (type == "ReduceL1") {
    view = activated(importer, call.name() + ".absolute", {{}, kernels::Function::absolute}, std::move(view));
  }
  view = reduced(importer, call.name(), kind, std::move(view), axes);
  call.result(keep ? std::move(view) : dropped(std::move(view), axes));
}

void import_arg(Call& call) {
  View view = call.tensor(0);
  const std::size_t axis = Call::axis(call.integer("axis", 0), view.axes.size());
  const bool keep = call.integer("keepdims", 1) != 0;
  if (call.integer("select_last_index", 0) != 0) throw Error("of equal numbers the last: not supported");
  if (!is_of_channels(view.axes[axis]) && std::ranges::none_of(view.axes[axis], is_batch)) {
    call.importer.arrange(view, with_channels(view, {axis}));
  }
  if (!is_of_channels(view.axes[axis])) {
    throw Error("only an index among the channels is supported, not on dimension " + std::to_string(axis) + " of " +
                text(view));
  }
  std::vector<bool> axes(view.axes.size(), false);
  axes[axis] = true;
  const auto kind = call.type() == "ArgMax" ? graph::ReduceKind::arg_max : graph::ReduceKind::arg_min;
  view = reduced_channels(call.importer, call.name(), kind, std::move(view), axes);
  call.result_of_type(keep ? std::move(view) : dropped(std::move(view), axes), Type::i32, {});
}

}  // namespace riffle::onnx
