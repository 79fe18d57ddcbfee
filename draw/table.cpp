#include "draw/table.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <ostream>

#include "base/text.hpp"

namespace riffle::draw {
namespace {

constexpr std::size_t gap = 2;

}  // namespace

void Table::add(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = character_count(columns_[c].title);
    for (const auto& row : rows_) {
      if (!row.empty()) width = std::max(width, character_count(row[c]));
    }
    widths.push_back(width);
  }
  const std::string rule(std::accumulate(widths.begin(), widths.end(), gap * (widths.size() - 1)), '-');

  const auto print_row = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::string padding(widths[c] - character_count(cells[c]), ' ');
      line += c > 0 ? std::string(gap, ' ') : "";
      line += columns_[c].align == Align::right ? padding + cells[c] : cells[c] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  };

  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  print_row(titles);
  out << rule << '\n';
  for (const auto& row : rows_) {
    if (row.empty()) {
      out << rule << '\n';
    } else {
      print_row(row);
    }
  }
}

}  // namespace riffle::draw
