// The sum of two operands, or a copy of one.
#pragma once

#include <vector>

#include "trainer/network/operation.hpp"

namespace riffle::trainer {

/// Without batch norm behind it, it may be fused into the layer that reads it (Operand::fuse), which then does its
/// work: its own turn does nothing. And its gradient is then its operands' as it stands, which may share its memory.
class Summation final : public Operation, public PixelWise {
 public:
  Summation(const KernelTables& tables, std::vector<Operand> operands, const LayerResult& result,
            bool fused_into_reader);

  [[nodiscard]] std::int64_t scratch() const override;
  void forward(const Share& share) override;
  void backward(const Share& share) override;

  void forward(int worker, std::int64_t first, std::int64_t count) override;
  void backward(int worker, std::int64_t first, std::int64_t count) override;
  void prefetch(Prefetcher& prefetcher, std::int64_t first, std::int64_t count) const override;

 private:
  static constexpr std::int64_t rows_at_once = 128;

  template <class F>
  void for_rows(const Share& share, F&& f) const;
  void write_gradients(int worker, std::int64_t first, std::int64_t count, const float* rows,
                       std::int64_t stride) const;

  const KernelTables& tables_;
  std::vector<Operand> operands_;
  const LayerResult& result_;
  std::int64_t stride_;
  bool fused_into_reader_;
};

}  // namespace riffle::trainer
