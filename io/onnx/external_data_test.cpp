// Weights in files beside the model.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <span>

#include "io/onnx/import.hpp"
#include "io/onnx/test_model.hpp"

namespace riffle::onnx {
namespace {

/// A folder with a model in it, of one convolution whose four weights lie in another file.
class ExternalData : public testing::Test {
 protected:
  ExternalData()
      : folder_(std::filesystem::path(testing::TempDir()) / ("riffle_external_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_ / "below");
    write("weights", 2, {1, 2, 3, 4});
    model_.node("Conv", {"x", model_.floats({2, 2, 1, 1})});
    place("weights");
  }
  ~ExternalData() override { std::filesystem::remove_all(folder_); }

  /// Floats behind `before` others.
  void write(const std::string& name, int before, std::vector<float> values) const {
    std::ofstream file(folder_ / name, std::ios::binary);
    values.insert(values.begin(), static_cast<std::size_t>(before), -1.0F);
    file.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof(float)));
  }

  void place(const std::string& location, const std::string& offset = "8", const std::string& length = "16") {
    auto& tensor = model_.initialiser("constant_0");
    tensor.clear_raw_data();
    tensor.clear_external_data();
    tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
      if (value.empty()) return;
      auto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    };
    add("location", location);
    add("offset", offset);
    add("length", length);
  }

  graph::Graph import() const {
    const std::string path = folder_ / "model.onnx";
    std::ofstream(path, std::ios::binary) << model_.proto.SerializeAsString();
    return import_file(path);
  }

  void expect_refused(const std::string& part) const {
    try {
      (void)import();
      FAIL() << "no Error";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }

  std::filesystem::path folder_;
  TestModel model_{{0, 2, 3, 3}};
};

TEST_F(ExternalData, IsRead) {
  const auto weights = [&] {
    const auto values = only<graph::Convolution>(import()).weights;
    return std::vector<float>(values.values().begin(), values.values().end());
  };
  const std::vector<float> expected = {1, 2, 3, 4};
  EXPECT_EQ(weights(), expected);
  place("weights", "8", "");  // up to the end
  EXPECT_EQ(weights(), expected);
  write("below/all", 0, expected);
  place("below/../below/all", "", "");
  expect_refused("outside of the model's folder, 'below/../below/all'");
  place("below/all", "", "");
  EXPECT_EQ(weights(), expected);
}

TEST_F(ExternalData, OutsideOfTheFolderIsRefused) {
  for (const std::string& location :
       {std::string("../../etc/passwd"), std::string("/etc/passwd"), (folder_ / "weights").string(),
        std::string("below/../../weights"), std::string()}) {
    place(location);
    expect_refused("outside of the model's folder, '" + location + "'");
  }
  std::filesystem::create_symlink("/etc/passwd", folder_ / "link");
  std::filesystem::create_directory_symlink("/etc", folder_ / "etc");
  for (const char* location : {"link", "etc/passwd"}) {
    place(location, "", "");
    expect_refused(std::string("outside of the model's folder, '") + location + "'");
  }
}

TEST_F(ExternalData, ThatIsNotAsTheModelSaysIsRefused) {
  place("nowhere");
  expect_refused("not there, 'nowhere'");
  place("weights", "12");
  expect_refused("16 bytes from 12 on are more than 'weights' has, which is 24");
  place("weights", "100", "");
  expect_refused("more than 'weights' has");
  place("weights", "0", "8");
  expect_refused("8 bytes, its shape asks for 4 elements");
  for (const char* number : {"-8", "8x", "99999999999999999999"}) {
    place("weights", number);
    expect_refused("offset is '" + std::string(number) + "', not a number of bytes");
  }
  place("below");
  expect_refused("is a directory");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  place("pipe");
  expect_refused("is not a regular file");
}

TEST_F(ExternalData, CannotBeMoreThanItsFile) {
  place("weights", "0", "24");
  for (int i = 0; i < 100; ++i) {
    auto& tensor = *model_.proto.mutable_graph()->add_initializer();
    tensor = model_.initialiser("constant_0");
    tensor.set_name("again" + std::to_string(i));
  }
  expect_refused("more than the file is large");
}

TEST_F(ExternalData, OfAModelInMemoryIsNamed) {
  const std::string refusal = model_.refusal();
  EXPECT_NE(refusal.find("its weights lie in other files, 'weights'"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("save the model with its weights inside"), std::string::npos) << refusal;
}

TEST_F(ExternalData, APipeIsNoModel) {
  const std::string path = folder_ / "model_pipe.onnx";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THROW((void)import_file(path), Error);
}

}  // namespace
}  // namespace riffle::onnx
