#include "trainer/fit/report.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <ostream>

#include "base/text.hpp"
#include "draw/table.hpp"

namespace riffle::trainer {
namespace {

constexpr std::size_t most_rows = 32;

std::string percent(double share) { return fixed(100 * share, 2) + " %"; }

/// "0.00123", as many digits as it takes.
std::string exact(double value) {
  std::array<char, 32> buffer = {};
  std::snprintf(buffer.data(), buffer.size(), "%.9g", value);
  return buffer.data();
}

}  // namespace

std::string epoch_line(const Record& run, std::size_t epoch, const std::string& test) {
  const Epoch& e = run.epochs[epoch];
  double best = 0;
  for (std::size_t i = 0; i <= epoch; ++i) best = std::max(best, run.epochs[i].test.accuracy());
  return "epoch " + std::to_string(epoch + 1) + ": train loss " + fixed(e.train.loss(), 4) + " (last " +
         fixed(e.last_loss, 4) + "), " + test + " accuracy " + percent(e.test.accuracy()) + ", best " + percent(best) +
         ", " + fixed(e.train.speed(), 0) + " images/s";
}

std::string metrics_csv(const Record& run, std::int64_t batches) {
  std::string csv =
      "epoch,step,rate,train_loss,last_loss,train_accuracy,test_loss,test_accuracy,images_per_second,train_seconds,"
      "test_seconds\n";
  for (std::size_t i = 0; i < run.epochs.size(); ++i) {
    const Epoch& e = run.epochs[i];
    const auto number = static_cast<std::int64_t>(i) + 1;
    csv += std::to_string(number) + "," + std::to_string(number * batches);
    for (const double value : {e.rate, e.train.loss(), e.last_loss, e.train.accuracy(), e.test.loss(),
                               e.test.accuracy(), e.train.speed(), e.train.seconds, e.test.seconds}) {
      csv += "," + exact(value);
    }
    csv += "\n";
  }
  return csv;
}

void print_summary(std::ostream& out, const Record& run, const std::vector<std::string>& classes,
                   const std::string& test) {
  if (run.best < 0) return;
  const std::size_t count = classes.size();
  std::vector<std::int64_t> images(count), right(count);
  for (std::size_t row = 0; row < count; ++row) {
    const auto first = run.confusion.begin() + static_cast<std::ptrdiff_t>(row * count);
    images[row] = std::accumulate(first, first + static_cast<std::ptrdiff_t>(count), std::int64_t{0});
    right[row] = first[static_cast<std::ptrdiff_t>(row)];
  }
  const auto share = [&](std::size_t row) {
    return images[row] == 0 ? 1.0 : static_cast<double>(right[row]) / static_cast<double>(images[row]);
  };
  std::vector<std::size_t> shown(count);
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  if (count > most_rows) {
    std::stable_sort(shown.begin(), shown.end(), [&](std::size_t a, std::size_t b) { return share(a) < share(b); });
    shown.resize(most_rows);
  }

  using draw::Table;
  Table table({{count > most_rows ? "worst classes" : "class"},
               {"images", Table::Align::right},
               {"right", Table::Align::right},
               {"%", Table::Align::right}});
  const auto row = [&](const std::string& name, std::int64_t all, std::int64_t correct, double accuracy) {
    table.add({name, std::to_string(all), std::to_string(correct), all == 0 ? "-" : fixed(100 * accuracy, 2)});
  };
  for (const std::size_t i : shown) row(classes[i], images[i], right[i], share(i));
  table.add_rule();
  const Score& best = run.epochs[static_cast<std::size_t>(run.best)].test;
  row("all", best.images, best.correct, best.accuracy());
  table.print(out);

  Score trained, tested;
  for (const Epoch& epoch : run.epochs) {
    trained.images += epoch.train.images;
    trained.seconds += epoch.train.seconds;
    tested.seconds += epoch.test.seconds;
  }
  out << "best " << test << " accuracy " << percent(best.accuracy()) << " in epoch " << run.best + 1 << " of "
      << run.epochs.size() << "; trained for " << duration_text(trained.seconds) << ", " << fixed(trained.speed(), 0)
      << " images/s, tested for " << duration_text(tested.seconds) << '\n';
}

}  // namespace riffle::trainer
