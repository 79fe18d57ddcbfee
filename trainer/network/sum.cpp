#include "trainer/network/sum.hpp"

#include <algorithm>

namespace riffle::trainer {

Summation::Summation(const KernelTables& tables, std::vector<Operand> operands, const LayerResult& block,
                     bool fused_into_reader)
    : tables_(tables),
      operands_(std::move(operands)),
      block_(block),
      stride_(row_floats(block.channels)),
      fused_into_reader_(fused_into_reader) {}

std::int64_t Summation::scratch() const { return block_.norm ? rows_at_once * stride_ + slack : 0; }

template <class F>
void Summation::for_rows(const Share& share, F&& f) const {
  if (fused_into_reader_) return;
  const std::int64_t end = share.last * block_.pixels;
  for (std::int64_t first = share.first * block_.pixels; first < end; first += rows_at_once) {
    f(first, std::min(rows_at_once, end - first));
  }
}

void Summation::forward(const Share& share) {
  for_rows(share, [&](std::int64_t first, std::int64_t count) { forward(share.worker, first, count); });
}

void Summation::forward(int worker, std::int64_t first, std::int64_t count) {
  float* const y = block_.y + first * block_.channels;
  operands_[0].read(tables_.training_kernels, first, count, y, block_.channels);
  const kernels::Clamp total = block_.clamped ? block_.clamp : kernels::Clamp{};
  for (std::size_t i = 1; i < operands_.size(); ++i) {
    operands_[i].read(tables_.training_kernels, first, count, y, block_.channels, &total);
  }
  block_.computed(worker, first, count);
}

void Summation::backward(const Share& share) {
  for_rows(share, [&](std::int64_t first, std::int64_t count) {
    if (block_.norm) {
      block_.read_gradient(tables_.training_kernels, first, count, share.scratch, stride_);
      write_gradients(share.worker, first, count, share.scratch, stride_);
    } else {
      backward(share.worker, first, count);
    }
  });
}

void Summation::backward(int worker, std::int64_t first, std::int64_t count) {
  write_gradients(worker, first, count, block_.gradient + first * block_.channels, block_.channels);
}

void Summation::prefetch(Prefetcher& prefetcher, std::int64_t first, std::int64_t count) const {
  for (const Operand& operand : operands_) operand.prefetch(prefetcher, first, count);
  block_.prefetch_results(prefetcher, first, count);
}

void Summation::write_gradients(int worker, std::int64_t first, std::int64_t count, const float* rows,
                                std::int64_t stride) const {
  for (const Operand& operand : operands_) {
    operand.write_gradient(tables_.training_kernels, worker, first, count, rows, stride);
  }
}

}  // namespace riffle::trainer
