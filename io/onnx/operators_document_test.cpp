// Does docs/operators.md list the operators that the importer has, and no others?
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "io/onnx/import.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

/// The document's operators, and whether they stand under the heading of those that are for shapes alone. A row of a
/// table begins with its operators between backquotes: "| `And`, `Or` | ...".
std::map<std::string, bool> operators_of(std::istream& document) {
  std::map<std::string, bool> result;
  bool only_of_shapes = false;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("## ")) only_of_shapes = line == "## Of shapes and constants alone";
    if (!line.starts_with("| `")) continue;
    const std::string cell = line.substr(2, line.find(" |") - 2);
    for (std::size_t begin = 0; (begin = cell.find('`', begin)) != std::string::npos;) {
      const std::size_t end = cell.find('`', begin + 1);
      const std::string name = cell.substr(begin + 1, end - begin - 1);
      EXPECT_TRUE(result.emplace(name, only_of_shapes).second) << name << " is listed twice";
      begin = end + 1;
    }
  }
  return result;
}

TEST(OperatorsDocument, ListsWhatIsImported) {
  std::ifstream document(RIFFLE_DOCUMENTS "/operators.md");
  ASSERT_TRUE(document) << RIFFLE_DOCUMENTS "/operators.md cannot be read";
  const std::map<std::string, bool> documented = operators_of(document);
  std::map<std::string, bool> imported;
  for (const Operator& one : all_operators()) imported.emplace(one.type, one.kind == Kind::of_shapes);
  for (const auto& [name, only_of_shapes] : imported) {
    const auto found = documented.find(name);
    if (found == documented.end()) {
      ADD_FAILURE() << name << " is imported, and docs/operators.md does not say so";
    } else {
      EXPECT_EQ(found->second, only_of_shapes) << name << " stands in the wrong table of docs/operators.md";
    }
  }
  for (const auto& [name, only_of_shapes] : documented) {
    EXPECT_TRUE(imported.contains(name)) << "docs/operators.md lists " << name << ", which is not imported";
  }
}

TEST(OperatorsDocument, NamesTheOpsets) {
  std::ifstream document(RIFFLE_DOCUMENTS "/operators.md");
  const std::string text{std::istreambuf_iterator<char>(document), std::istreambuf_iterator<char>()};
  const std::string opsets = "Opsets " + std::to_string(least_opset) + " to " + std::to_string(greatest_opset);
  EXPECT_NE(text.find(opsets), std::string::npos) << "docs/operators.md does not say: " << opsets;
}

}  // namespace
}  // namespace riffle::onnx
