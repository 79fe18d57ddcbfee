#include "draw/table.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace riffle::tests {
namespace {

using draw::Table;

TEST(Table, columns_are_aligned) {
  Table table({{"name"}, {"ms", Table::Align::right}, {""}});
  table.add({"stem", "1.25", "██"});
  table.add({"a×b", "10.5", ""});
  table.add_rule();
  table.add({"total", "11.75", ""});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(),
            "name      ms\n"
            "----------------\n"
            "stem    1.25  ██\n"
            "a×b     10.5\n"
            "----------------\n"
            "total  11.75\n");
}

}  // namespace
}  // namespace riffle::tests
