#include "trainer/fit/calibrate.hpp"

#include <algorithm>

#include "quantise/grids.hpp"
#include "trainer/data/checksum.hpp"

namespace riffle::trainer {

quantise::Quantised calibrate(graph::Graph graph, Loader& pictures, std::int64_t count, int threads,
                              const std::function<void(double)>& progress) {
  const std::int64_t size = graph.input_shape().size();
  count = std::min(count, quantise::most_samples(graph));
  quantise::Samples samples{{{}}, 0, {}};
  pictures.begin(0);
  for (Batch batch; samples.count < count && pictures.next(batch);) {
    const std::int64_t taken = std::min<std::int64_t>(count - samples.count, std::ssize(batch.labels));
    const auto images = batch.images.first(static_cast<std::size_t>(taken * size));
    samples.inputs[0].insert(samples.inputs[0].end(), images.begin(), images.end());
    samples.count += taken;
  }
  quantise::Options options;
  options.threads = threads;
  options.progress = progress;
  return quantise::quantise(std::move(graph), samples, options);
}

std::uint32_t checksum_of_grids(const quantise::Quantised& quantised) {
  Checksum checksum;
  for (const quantise::Grid& grid : quantise::grids(quantised)) {
    checksum.add(std::as_bytes(std::span(grid.steps)));
    checksum.add(grid.zero_point);
  }
  return checksum.value();
}

}  // namespace riffle::trainer
