// What is over whole axes: sums, means, maxima, norms, the index of the largest.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "io/onnx/combine.hpp"
#include "io/onnx/dense.hpp"
#include "io/onnx/numbers.hpp"
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
    {"ReduceSumSquare", graph::ReduceKind::sum}, {"ReduceLogSum", graph::ReduceKind::sum},
    {"ReduceLogSumExp", graph::ReduceKind::sum},
};

/// Of numbers of the model, position by position of an axis.
struct Fold {
  std::string_view type;
  Quantity (*of_numbers)(const Quantity&, const Quantity&);
  graph::BinaryKind of_floats;
};
constexpr Fold folds[] = {
    {"ReduceSum", add, graph::BinaryKind::add},
    {"ReduceProd", multiply, graph::BinaryKind::multiply},
    {"ReduceMax", [](const Quantity& a, const Quantity& b) { return less(a, b) ? b : a; }, graph::BinaryKind::maximum},
    {"ReduceMin", [](const Quantity& a, const Quantity& b) { return less(b, a) ? b : a; }, graph::BinaryKind::minimum},
};

/// Those of real numbers that are sums: of what, and what becomes of a sum of so many. A weight norm has them.
struct SumOf {
  std::string_view type;
  double (*of)(double);
  double (*result)(double sum, double count);
};
constexpr SumOf sums_of[] = {
    {"ReduceL1", [](double x) { return std::abs(x); }, [](double sum, double) { return sum; }},
    {"ReduceL2", [](double x) { return x * x; }, [](double sum, double) { return std::sqrt(sum); }},
    {"ReduceMean", [](double x) { return x; }, [](double sum, double count) { return sum / count; }},
    {"ReduceSumSquare", [](double x) { return x * x; }, [](double sum, double) { return sum; }},
};

void import_reduced_constant(Call& call) {
  Value value = call.constant(0);
  const auto* const sum = std::ranges::find(sums_of, call.type(), &SumOf::type);
  const bool is_sum = sum != std::end(sums_of) && std::holds_alternative<Floats>(value);
  const auto* const fold =
      std::ranges::find(folds, is_sum ? std::string_view("ReduceSum") : std::string_view(call.type()), &Fold::type);
  if (fold == std::end(folds)) throw Error("of constants and shapes this is not supported");
  const std::size_t rank = dims_of(value).size();
  std::vector<std::int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  const auto given = call.list("axes", 1);
  const bool is_of_all = !given || given->empty();
  if (call.integer("noop_with_empty_axes", 0) != 0 && is_of_all) return call.result(std::move(value));
  if (!is_of_all) axes = *given;
  std::vector<bool> reduced(rank, false);
  for (const std::int64_t axis : axes) reduced[Call::axis(axis, rank)] = true;
  const auto change = [&](auto&& f) {
    auto& floats = std::get<Floats>(value);
    floats = combined(call.importer, floats, floats, [&](double x, double) { return f(x); });
  };
  if (is_sum) change(sum->of);
  double count = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (!reduced[axis]) continue;
    const std::int64_t extent = dims_of(value)[axis];
    if (extent < 1) throw Error("it reduces nothing");
    count *= static_cast<double>(extent);
    const auto at = [&](std::int64_t i) { return take(value, axis, std::vector<std::int64_t>{i}); };
    Value result = at(0);
    for (std::int64_t i = 1; i < extent; ++i) {
      const Value one = at(i);
      if (const auto* numbers = std::get_if<Numbers>(&one)) {
        result = combine(std::get<Numbers>(result), *numbers, fold->of_numbers);
      } else {
        result = combined(call.importer, fold->of_floats, std::get<Floats>(result), std::get<Floats>(one));
      }
    }
    value = std::move(result);
  }
  if (is_sum) change([&](double x) { return sum->result(x, count); });
  if (call.integer("keepdims", 1) == 0) {
    std::vector<std::int64_t> left;
    for (std::size_t i = 0; i < rank; ++i) {
      if (!reduced[i]) left.push_back(dims_of(value)[i]);
    }
    dims_of(value) = left;
  }
  call.result(std::move(value));
}

std::vector<bool> only_axis(const View& view, std::size_t axis) {
  std::vector<bool> axes(view.axes.size(), false);
  axes[axis] = true;
  return axes;
}

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
  if (!call.is_tensor(0)) return import_reduced_constant(call);
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
  const bool has_log = type == "ReduceLogSum" || type == "ReduceLogSumExp";
  std::optional<View> most;  // beside which no power is too large
  if (type == "ReduceLogSumExp") {
    most = reduced(importer, call.name() + ".most", graph::ReduceKind::maximum, view, axes);
    view = combined(importer, call.name() + ".less", graph::BinaryKind::subtract, std::move(view), *most);
    view = activated(importer, call.name() + ".powers", {{}, kernels::Function::exp}, std::move(view));
  }
  view = reduced(importer, call.name() + (has_log ? ".sum" : ""), kind, std::move(view), axes);
  if (has_log) view = activated(importer, call.name() + (most ? ".log" : ""), {{}, kernels::Function::log}, view);
  if (most) view = combined(importer, call.name(), graph::BinaryKind::add, std::move(view), *most);
  call.result(keep ? std::move(view) : dropped(std::move(view), axes));
}

namespace {

/// The index of the largest or smallest on an axis, which is one long afterwards; `view` is as it was read.
View index_among(Call& call, const char* word, graph::ReduceKind kind, View& view, std::size_t axis) {
  if (!is_of_channels(view.axes[axis]) && std::ranges::none_of(view.axes[axis], is_batch)) {
    call.importer.arrange(view, with_channels(view, {axis}));
  }
  if (!is_of_channels(view.axes[axis])) {
    throw Error("only an index among the channels is supported, not on dimension " + std::to_string(axis) + " of " +
                text(view));
  }
  return reduced_channels(call.importer, call.name() + word, kind, view, only_axis(view, axis));
}

}  // namespace

void import_arg(Call& call) {
  View view = call.tensor(0);
  const std::size_t axis = Call::axis(call.integer("axis", 0), view.axes.size());
  const bool keep = call.integer("keepdims", 1) != 0;
  if (call.integer("select_last_index", 0) != 0) throw Error("of equal numbers the last: not supported");
  const auto kind = call.type() == "ArgMax" ? graph::ReduceKind::arg_max : graph::ReduceKind::arg_min;
  View index = index_among(call, "", kind, view, axis);
  call.result_of_type(keep ? std::move(index) : dropped(std::move(index), only_axis(view, axis)), Type::i32, {});
}

/// 1 for the first of the largest and 0 for all others.
void import_hardmax(Call& call) {
  View view = call.tensor(0);
  const bool flattens = call.importer.opset() < 13;  // everything from `axis` on is one vector
  const std::size_t axis = Call::axis(call.integer("axis", flattens ? 1 : -1), view.axes.size());
  const auto is_one = [](const Axis& one) { return one.empty(); };
  if (flattens && !std::ranges::all_of(std::span(view.axes).subspan(axis + 1), is_one)) {
    throw Error("before opset 13 it is over all dimensions from 'axis' on, of which only one may be more than 1 long");
  }
  const View index = index_among(call, ".index", graph::ReduceKind::arg_max, view, axis);
  Floats places;
  places.dims.assign(view.axes.size(), 1);
  std::vector<float> numbers(static_cast<std::size_t>(extent(view.axes[axis]).numerator));
  std::iota(numbers.begin(), numbers.end(), 0.0F);
  places.dims[axis] = std::ssize(numbers);
  places.values = graph::Constant(std::move(numbers));
  // The distance of whole numbers, which is less than 1 only where they are equal.
  const std::string name = call.name();
  View away = expanded(call.importer, name + ".indices", index, places.dims);
  away = combined(call.importer, name + ".away", graph::BinaryKind::subtract, std::move(away), places);
  away = activated(call.importer, name + ".distance", {{}, kernels::Function::absolute}, std::move(away));
  away = combined(call.importer, name + ".near", graph::BinaryKind::multiply, std::move(away), -1.0F);
  away = combined(call.importer, name + ".more", graph::BinaryKind::add, std::move(away), 1.0F);
  call.result(activated(call.importer, name, graph::Activation::relu, std::move(away)));
}

/// The product with a triangular matrix.
void import_cumulative_sum(Call& call) {
  View view = call.tensor(0);
  const std::vector<std::int64_t> given = known_integers(call.numbers(1));
  if (given.size() != 1) throw Error("its axis is not a single number");
  const std::size_t axis = Call::axis(given[0], view.axes.size());
  const bool excludes_own = call.integer("exclusive", 0) != 0, is_reverse = call.integer("reverse", 0) != 0;
  if (open_extents(view.axes[axis]).any()) throw Error("it sums up along rows or columns of one size");
  const auto count = extent(view.axes[axis]).known_integer();
  if (!count) throw Error("it sums up over the batch");
  call.importer.charge(*count * *count);
  std::vector<float> weights;
  for (std::int64_t to = 0; to < *count; ++to) {
    for (std::int64_t from = 0; from < *count; ++from) {
      const bool is_before = is_reverse ? from > to : from < to;
      weights.push_back(is_before || (from == to && !excludes_own) ? 1.0F : 0.0F);
    }
  }
  call.result(product_along(call, view, axis, graph::Constant(std::move(weights)), *count, *count, {}));
}

}  // namespace riffle::onnx
