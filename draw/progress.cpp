#include "draw/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <streambuf>

#include "base/text.hpp"

namespace riffle::draw {
namespace {

constexpr std::chrono::milliseconds between_draws{100};

/// Is there a bar on the terminal?
std::atomic<bool> shown{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler reads it");

/// The cursor stays at the line's beginning: what anybody else prints, a terminal's ^C say, begins there, too.
void write_to_terminal(std::string_view bytes) noexcept {
  // A terminal that is gone is nothing to end a long run for.
  [[maybe_unused]] const ssize_t put = ::write(STDERR_FILENO, bytes.data(), bytes.size());
}

/// The buffer of a stream that others are tied to: it is flushed before they print.
class Wiping : public std::streambuf {
  int sync() override {
    Progress::wipe();
    return 0;
  }
};

std::ostream& wiping_stream() {
  static Wiping buffer;
  static std::ostream stream(&buffer);
  return stream;
}

void wipe_and_end(int signal) {
  Progress::wipe();
  ::raise(signal);  // does what it always does: SA_RESETHAND has brought that back
}

std::size_t terminal_columns() {
  constexpr std::size_t usual = 80;
  winsize size = {};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : usual;
}

}  // namespace

void Progress::wipe() noexcept {
  if (shown.exchange(false)) write_to_terminal("\r\x1B[K");
}

void Progress::wipe_line() noexcept {
  shown = ::isatty(STDERR_FILENO) == 1;
  wipe();
}

Progress::Progress(std::string label, std::int64_t total)
    : label_(std::move(label)),
      total_(std::max<std::int64_t>(total, 1)),
      visible_(::isatty(STDERR_FILENO) == 1),
      start_(Clock::now()) {
  if (!visible_) return;
  // std::cerr is tied to std::cout otherwise, which a bar flushes before it is drawn.
  tie_of_out_ = std::cout.tie(&wiping_stream());
  tie_of_err_ = std::cerr.tie(&wiping_stream());
  for (std::size_t i = 0; i < actions_.size(); ++i) {
    ::sigaction(ending_signals_[i], nullptr, &actions_[i]);
    if (actions_[i].sa_handler != SIG_DFL) continue;  // somebody else looks after it
    struct sigaction wiping = {};
    wiping.sa_handler = wipe_and_end;
    wiping.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(ending_signals_[i], &wiping, nullptr);
  }
}

Progress::~Progress() {
  if (!visible_) return;
  wipe();
  std::cout.tie(tie_of_out_);
  std::cerr.tie(tie_of_err_);
  for (std::size_t i = 0; i < actions_.size(); ++i) ::sigaction(ending_signals_[i], &actions_[i], nullptr);
}

void Progress::update(std::int64_t done, const std::string& words) {
  static Clock::time_point drawn = start_;  // the first bar's: what is over at once draws none
  const Clock::time_point now = Clock::now();
  if (!visible_ || now - drawn < between_draws) return;
  drawn = now;
  std::string behind = words;
  if (behind.empty() && done > 0 && done < total_) {
    const double elapsed = std::chrono::duration<double>(now - start_).count();
    behind = duration_text(elapsed * static_cast<double>(total_ - done) / static_cast<double>(done)) + " left";
  }
  std::cout.flush();
  // The last column stays free: a terminal may go to the next line when it is written to.
  const std::string line = "\r" + progress_line(label_, done, total_, behind, terminal_columns() - 1) + "\x1B[K\r";
  shown = true;  // first: a signal may come between the two
  write_to_terminal(line);
}

std::string progress_line(std::string_view label, std::int64_t done, std::int64_t total, std::string_view words,
                          std::size_t columns) {
  constexpr std::size_t longest_bar = 32, shortest_bar = 4, gap = 2;
  const std::string count = std::to_string(done) + "/" + std::to_string(total);
  if (columns <= count.size()) return count.substr(0, columns);
  label = label.substr(0, columns - count.size() - 1);
  std::size_t room = columns - count.size() - 1 - label.size();

  const std::size_t of_bar = 1 + shortest_bar;
  while (!words.empty() && gap + words.size() + of_bar > room) {
    const std::size_t comma = words.rfind(',');
    words = comma == std::string_view::npos ? "" : words.substr(0, comma);
  }
  if (!words.empty()) room -= gap + words.size();

  std::string line(label);
  if (room >= of_bar) {
    const std::size_t length = std::min(longest_bar, room - 1);
    const double share = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
    const auto full = static_cast<std::size_t>(share * static_cast<double>(length));
    line += ' ';
    for (std::size_t i = 0; i < length; ++i) line += i < full ? "█" : "░";
  }
  line += ' ' + count;
  if (!words.empty()) line.append(gap, ' ').append(words);
  return line;
}

}  // namespace riffle::draw
