// A table for people: aligned columns of text.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace riffle::draw {

class Table {
 public:
  enum class Align : bool { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// As many cells as there are columns.
  void add(std::vector<std::string> cells);
  /// A line between the rows before and behind it.
  void add_rule() { rows_.emplace_back(); }
  void print(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;  ///< an empty row is a rule
};

}  // namespace riffle::draw
