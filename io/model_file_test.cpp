#include "io/model_file.hpp"

#include <gtest/gtest.h>

#include "tests/encode.hpp"
#include "tests/expect_error.hpp"

namespace riffle::tests {
namespace {

TEST(ModelFile, other_files_are_refused) {
  const Folder folder;
  EXPECT_TRUE(contains(error_of([&] { io::load_model(folder.write("x.txt", bytes_of("hello"))); }),
                       "neither a .riffle file nor one whose name ends in .onnx"));
  EXPECT_TRUE(contains(error_of([&] { io::load_model(folder.path("none.riffle")); }), "none.riffle"));
}

}  // namespace
}  // namespace riffle::tests
