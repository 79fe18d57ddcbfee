// A run in words: for the terminal, and as comma-separated values.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "trainer/fit/record.hpp"

namespace riffle::trainer {

/// "epoch 3: train loss 0.2811 (last 0.2543), test accuracy 89.05 %, best 89.05 %, 812 images/s".
std::string epoch_line(const Record& run, std::size_t epoch, const std::string& test);

/// A header and a line an epoch. `batches`: of an epoch.
std::string metrics_csv(const Record& run, std::int64_t batches);

/// The best epoch, its accuracy class by class (of many classes the worst ones), time and speed.
void print_summary(std::ostream& out, const Record& run, const std::vector<std::string>& classes,
                   const std::string& test);

}  // namespace riffle::trainer
