// What the tests of the commands share: small models, tensors and pictures in a folder of their own.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "io/npy.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "tests/networks.hpp"
#include "tests/program.hpp"

namespace riffle::tests {

class Cli : public ::testing::Test {
 protected:
  /// A small network; the test fails if it cannot be built.
  std::string model(const std::vector<std::string>& more = {}) {
    const std::string path = folder.path("model.riffle");
    std::vector<std::string> arguments = {"build", "v2",     "--flavour", "note", "--width",
                                          "0.5",   "--size", "32x32",     path};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = riffle(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return path;
  }

  /// A model of two inputs and two outputs.
  std::string two_headed() {
    const std::string path = folder.path("two_headed.riffle");
    format::save_file(testing::two_headed_network(), path);
    return path;
  }

  std::string tensor(const std::vector<std::int64_t>& shape) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    std::vector<float> values;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i * 7919 % 1000) / 500.0F - 1.0F);
    io::write_npy(folder.path("x.npy"), io::tensor_of(shape, values));
    return folder.path("x.npy");
  }

  static std::vector<float> floats(const io::Tensor& tensor) {
    return {tensor.floats().begin(), tensor.floats().end()};
  }

  std::string picture(const std::string& name, int shade) {
    Bytes lines;
    for (int y = 0; y < 8; ++y) {
      lines.push_back(std::byte{0});
      for (int x = 0; x < 8; ++x) lines.push_back(static_cast<std::byte>(shade + 3 * x + 5 * y));
    }
    return folder.write(name, png({.width = 8, .height = 8, .lines = lines}));
  }

  Folder folder;
};

}  // namespace riffle::tests
