#include "tools/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "tools/text.hpp"

namespace riffle::tools {
namespace {

constexpr int bar_width = 32;

}  // namespace

Progress::Progress(std::string label, std::int64_t total)
    : label_(std::move(label)), total_(std::max<std::int64_t>(total, 1)), visible_(::isatty(STDERR_FILENO) == 1) {
  start_ = drawn_ = Clock::now();
}

Progress::~Progress() {
  if (visible_) std::cerr << "\r\x1B[K" << std::flush;
}

void Progress::update(std::int64_t done, const std::string& words) {
  const Clock::time_point now = Clock::now();
  if (!visible_ || (done < total_ && now - drawn_ < std::chrono::milliseconds(100))) return;
  drawn_ = now;
  const double share = static_cast<double>(done) / static_cast<double>(total_);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const int full = static_cast<int>(share * bar_width);
  std::string bar;
  for (int i = 0; i < bar_width; ++i) bar += i < full ? "█" : "░";
  std::cerr << "\r\x1B[K" << label_ << " " << bar << " " << done << "/" << total_;
  if (!words.empty()) {
    std::cerr << "  " << words;
  } else if (done > 0 && done < total_) {
    std::cerr << "  " << fixed(elapsed / share - elapsed, 0) << " s left";
  }
  std::cerr << std::flush;
}

}  // namespace riffle::tools
