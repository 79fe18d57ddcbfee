#include "trainer/network/sum.hpp"

#include <algorithm>

namespace riffle::trainer {

Summation::Summation(const KernelTables& tables, std::vector<Operand> operands, const LayerResult& result,
                     bool fused_into_reader)
    : tables_(tables),
      operands_(std::move(operands)),
      result_(result),
      stride_(row_floats(result.channels)),
      fused_into_reader_(fused_into_reader) {}

std::int64_t Summation::scratch() const { return result_.norm ? rows_at_once * stride_ + slack : 0; }

template <class F>
void Summation::for_rows(const Share& share, F&& f) const {
  if (fused_into_reader_) return;
  const std::int64_t end = share.last * result_.pixels;
  for (std::int64_t first = share.first * result_.pixels; first < end; first += rows_at_once) {
    f(first, std::min(rows_at_once, end - first));
  }
}

void Summation::forward(const Share& share) {
  for_rows(share, [&](std::int64_t first, std::int64_t count) { forward(share.worker, first, count); });
}

void Summation::forward(int worker, std::int64_t first, std::int64_t count) {
  float* const y = result_.y + first * result_.channels;
  operands_[0].read(tables_.training_kernels, first, count, y, result_.channels);
  const kernels::Clamp total = result_.clamped ? result_.clamp : kernels::Clamp{};
  for (std::size_t i = 1; i < operands_.size(); ++i) {
    operands_[i].read(tables_.training_kernels, first, count, y, result_.channels, &total);
  }
  result_.computed(worker, first, count);
}

void Summation::backward(const Share& share) {
  for_rows(share, [&](std::int64_t first, std::int64_t count) {
    if (result_.norm) {
      result_.read_gradient(tables_.training_kernels, first, count, share.scratch, stride_);
      write_gradients(share.worker, first, count, share.scratch, stride_);
    } else {
      backward(share.worker, first, count);
    }
  });
}

void Summation::backward(int worker, std::int64_t first, std::int64_t count) {
  write_gradients(worker, first, count, result_.gradient + first * result_.channels, result_.channels);
}

void Summation::prefetch(Prefetcher& prefetcher, std::int64_t first, std::int64_t count) const {
  for (const Operand& operand : operands_) operand.prefetch(prefetcher, first, count);
  result_.prefetch_results(prefetcher, first, count);
}

void Summation::write_gradients(int worker, std::int64_t first, std::int64_t count, const float* rows,
                                std::int64_t stride) const {
  for (const Operand& operand : operands_) {
    operand.write_gradient(tables_.training_kernels, worker, first, count, rows, stride);
  }
}

}  // namespace riffle::trainer
