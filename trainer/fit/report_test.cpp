// A run in words and pictures.
#include "trainer/fit/report.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "tests/expect_error.hpp"
#include "trainer/fit/pictures.hpp"

namespace riffle::trainer {
namespace {

using tests::contains;

/// Epochs with these test accuracies, of 10 images each.
Record run_of(const std::vector<std::int64_t>& right) {
  Record run;
  for (const std::int64_t correct : right) {
    Epoch epoch;
    epoch.train = {200, 100, 200 * 0.2811, 0.25};
    epoch.test = {10, correct, 5.0, 0.5};
    epoch.last_loss = 0.2543;
    epoch.rate = 0.001;
    run.epochs.push_back(epoch);
    if (run.best < 0 || correct > run.epochs[static_cast<std::size_t>(run.best)].test.correct) {
      run.best = static_cast<std::int64_t>(run.epochs.size()) - 1;
    }
  }
  run.confusion = {4, 1, 0, 1, 2, 0, 0, 2, 0};  // 3 classes, the last of which is never right
  return run;
}

const std::vector<std::string> three_classes = {"<coat> & co", "shirt", "ein Schnürschuh mit sehr langem Namen"};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

void expect_whole(const std::string& svg) {
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  for (const std::string element : {"text", "title"}) EXPECT_EQ(count(svg, "<" + element), count(svg, "</" + element));
  for (const std::string bad : {"nan", "inf", "width=\"-", "height=\"-"}) EXPECT_EQ(count(svg, bad), 0U) << bad;
}

TEST(Report, a_line_an_epoch) {
  const Record run = run_of({8, 9, 7});
  EXPECT_EQ(epoch_line(run, 0, "test"),
            "epoch 1: train loss 0.2811 (last 0.2543), test accuracy 80.00 %, best 80.00 %, 800 images/s");
  EXPECT_EQ(epoch_line(run, 2, "validation"),
            "epoch 3: train loss 0.2811 (last 0.2543), validation accuracy 70.00 %, best 90.00 %, 800 images/s");
}

TEST(Report, metrics) {
  EXPECT_EQ(metrics_csv(run_of({8, 9}), 4),
            "epoch,step,rate,train_loss,last_loss,train_accuracy,test_loss,test_accuracy,images_per_second,"
            "train_seconds,test_seconds\n"
            "1,4,0.001,0.2811,0.2543,0.5,0.5,0.8,800,0.25,0.5\n"
            "2,8,0.001,0.2811,0.2543,0.5,0.5,0.9,800,0.25,0.5\n");
  EXPECT_EQ(count(metrics_csv({}, 4), "\n"), 1U);
}

TEST(Report, summary_by_class) {
  std::ostringstream out;
  print_summary(out, run_of({5, 6, 4}), three_classes, "test");
  for (const std::string part : {"<coat> & co", "80.00", "66.67", "0.00", "best test accuracy 60.00 % in epoch 2 of 3",
                                 "trained for 0.8 s, 800 images/s, tested for 1.5 s"}) {
    EXPECT_TRUE(contains(out.str(), part));
  }
}

TEST(Report, of_many_classes_the_worst) {
  Record run = run_of({5});
  std::vector<std::string> classes;
  run.confusion.assign(std::size_t{100} * 100, 0);
  for (std::size_t i = 0; i < 100; ++i) {
    classes.push_back("class" + std::to_string(i));
    run.confusion[i * 100 + i] = 1;
  }
  run.confusion[77 * 100 + 3] = 1;
  std::ostringstream out;
  print_summary(out, run, classes, "test");
  EXPECT_TRUE(contains(out.str(), "worst classes"));
  EXPECT_TRUE(contains(out.str(), "class77"));
  EXPECT_EQ(count(out.str(), "class99"), 0U);
}

TEST(Pictures, curves_say_where_the_best_is) {
  const std::string svg = curves_svg(run_of({8, 9, 7}), "test");
  expect_whole(svg);
  for (const std::string part : {"Accuracy", "Loss", "epoch", "90.00 %", "best: epoch 2", "epoch 3, test: 70.00 %",
                                 "epoch 1, training: 0.2811"}) {
    EXPECT_TRUE(contains(svg, part));
  }
  EXPECT_EQ(count(svg, "<polyline"), 4U);
  EXPECT_EQ(count(svg, "<circle"), 4 * 3 + 1 + 3U);
}

TEST(Pictures, curves_of_any_run) {
  expect_whole(curves_svg(run_of({5}), "test"));
  expect_whole(curves_svg(run_of({0, 0, 0}), "test"));
  expect_whole(curves_svg(run_of({10, 10}), "test"));
  expect_whole(curves_svg(run_of(std::vector<std::int64_t>(300, 7)), "validation"));
  Record strange = run_of({1, 2});
  strange.epochs[0].test.loss_sum = INFINITY;
  strange.epochs[1].test.loss_sum = NAN;
  expect_whole(curves_svg(strange, "test"));
}

TEST(Pictures, confusion_says_what_is_taken_for_what) {
  const std::string svg = confusion_svg(run_of({6}), three_classes);
  expect_whole(svg);
  for (const std::string part : {"&lt;coat&gt; &amp; co taken for shirt: 1 of 5", "shirt taken for shirt: 2 of 3",
                                 "80.0 %", "66.7 %", "0.0 %", "6 of 10 right, 60.00 %", "ein Schnürschuh mit seh…"}) {
    EXPECT_TRUE(contains(svg, part));
  }
  // Background, panel, and the cells that are not empty.
  EXPECT_EQ(count(svg, "<rect"), 2 + 5U);
}

TEST(Pictures, confusion_of_many_classes_stays_small) {
  Record run = run_of({5});
  constexpr std::size_t classes = 1000;
  run.confusion.assign(classes * classes, 0);
  for (std::size_t i = 0; i < classes; ++i) run.confusion[i * classes + i] = 50;
  const std::string svg = confusion_svg(run, std::vector<std::string>(classes, "name"));
  expect_whole(svg);
  EXPECT_LT(svg.size(), 300000U);
}

}  // namespace
}  // namespace riffle::trainer
