// Functions of bytes: what stands in a table at their places. So an exporter writes what an engine computes in integers
// of 8 bits and no operator computes to the same bits:
//
//   QuantizeLinear, Cast to int32, for a row a channel Add of where each begins, Gather from the table, QuantizeLinear
//
// The numbers of the table become bytes by the last of them, and with it a quantised node's function (integers.hpp).
#include <cmath>

#include "io/onnx/combine.hpp"
#include "io/onnx/importer.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

constexpr std::size_t bytes = 256;  // that there are: what a row has

}  // namespace

/// Places of bytes, and a number a channel, or one for all.
void import_rows(Call& call) {
  const std::size_t at = call.places(0) != nullptr ? 0 : 1;
  if (call.inputs() != 2 || call.places(1 - at) != nullptr) throw Error("it adds places in a table to one another");
  Places result = *call.places(at);
  if (!result.first.empty()) throw Error("it adds to places in a table a second time");
  auto first = values_by_channel(call.importer, result.bytes, call.any_floats(1 - at));
  if (!first) throw Error("what it adds to places in a table is not one number a channel");
  result.first = std::move(*first);
  call.result(std::move(result));
}

void import_lookup(Call& call) {
  const Places places = *call.places(1);
  const Floats table = call.any_floats(0);
  if (table.dims.size() != 1 || Call::axis(call.integer("axis", 0), 1) != 0) throw Error("its table is not a list");
  const std::span<const float> all = table.values.values();
  const std::vector<float> first = places.first.empty() ? std::vector{0.0F} : places.first;
  call.importer.charge(static_cast<std::int64_t>(bytes * first.size()));
  std::vector<float> rows;
  for (const float begin : first) {
    const auto last = static_cast<double>(begin) + static_cast<double>(bytes);
    if (!(begin >= 0.0F && begin == std::floor(begin) && last <= static_cast<double>(all.size()))) {
      throw Error("a table of " + std::to_string(all.size()) + " numbers does not hold one for each byte");
    }
    const std::span<const float> row = all.subspan(static_cast<std::size_t>(begin), bytes);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  View result = places.bytes;
  result.node = call.importer.add(call.name(), graph::Activate{graph::Activation::none}, {result.node});
  call.importer.conversions().looked_up.emplace(result.node, std::move(rows));
  call.result(std::move(result));
}

}  // namespace riffle::onnx
