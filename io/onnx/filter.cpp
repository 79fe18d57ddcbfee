#include "io/onnx/filter.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>

#include "engine/graph/pixels.hpp"
#include "io/onnx/dense.hpp"
#include "io/onnx/pixels.hpp"

namespace riffle::onnx {
namespace {

double weight_at(const Filter& filter, double distance) {
  const double x = std::abs(distance), a = filter.a;
  if (!filter.is_cubic) return std::max(1.0 - x, 0.0);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  return x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * a : 0.0;
}

/// Of each result, which lies at its place among `count` numbers, how much each of them counts. `given`: the scale,
/// or 0 where the sizes say it.
std::vector<float> weights_of(const Filter& filter, const std::vector<float>& places, std::int32_t count, float given) {
  const double scale =
      given != 0.0F ? static_cast<double>(given) : static_cast<double>(places.size()) / static_cast<double>(count);
  const double narrow = filter.antialiases ? std::min(scale, 1.0) : 1.0, reach = (filter.is_cubic ? 2.0 : 1.0) / narrow;
  std::vector<float> weights;
  for (const float one : places) {
    const auto place = static_cast<double>(one);
    std::vector<double> row(static_cast<std::size_t>(count), 0.0);
    double sum = 0.0;
    for (double at = std::ceil(place - reach); at <= std::floor(place + reach); ++at) {
      const double inside = std::clamp(at, 0.0, static_cast<double>(count - 1));
      if (filter.excludes_outside && at != inside) continue;
      const double weight = weight_at(filter, (at - place) * narrow);
      row[static_cast<std::size_t>(inside)] += weight;
      sum += weight;
    }
    for (const double weight : row) weights.push_back(static_cast<float>(weight / sum));
  }
  return weights;
}

}  // namespace

View filtered(Call& call, View view, const graph::Resize& resize, const Filter& filter) {
  Importer& importer = call.importer;
  if (importer.open(view.node).any()) throw Error("it is resized by a filter that is one size's");
  const graph::Shape before = importer.shape(view.node), after = graph::result_shape(resize, before, nullptr);
  const graph::Places places = graph::places(resize, before, after);
  std::array<std::optional<std::size_t>, 2> axes;  // of rows and columns
  for (std::size_t i = 0; i < view.axes.size(); ++i) {
    if (const auto index = pixel_axis(importer, view, i)) axes[*index == Index::row ? 0 : 1] = i;
  }
  const auto along = [&](std::optional<std::size_t> axis, const std::vector<float>& at, std::int32_t count,
                         float scale) {
    std::vector<float> as_it_was(static_cast<std::size_t>(count));
    std::iota(as_it_was.begin(), as_it_was.end(), 0.0F);
    if (at == as_it_was) return;
    if (!axis) throw Error("its rows or columns are not an axis of " + text(view));
    importer.charge(std::ssize(at) * count);
    view = product_along(call, view, *axis, graph::Constant(weights_of(filter, at, count, scale)), count,
                         std::ssize(at), {});
  };
  along(axes[0], places.rows, before.h, resize.scale_h);
  along(axes[1], places.columns, before.w, resize.scale_w);
  return view;
}

}  // namespace riffle::onnx
