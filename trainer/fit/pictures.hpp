// A run as pictures: whole SVG files.
#pragma once

#include <string>
#include <vector>

#include "trainer/fit/record.hpp"

namespace riffle::trainer {

/// Accuracy and loss by epoch, of the training and of the test set; `test` is its name. At least one epoch.
std::string curves_svg(const Record& run, const std::string& test);

/// The best epoch's confusion matrix: a row a class, as shares of the row. Counts stand in cells that are large enough.
std::string confusion_svg(const Record& run, const std::vector<std::string>& classes);

}  // namespace riffle::trainer
