#include "io/npy.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "base/files.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"

namespace riffle::tests {
namespace {

using io::parse_npy;
using io::Tensor;

const std::vector<float> six = {1, 2, 3, 4, 5, 6};

Bytes six_floats(const std::string& header, int version = 1) { return npy(version, header, float_bytes(six)); }

std::vector<float> floats(const Tensor& tensor) { return {tensor.floats().begin(), tensor.floats().end()}; }

std::string refusal_of_npy(const Bytes& file) {
  return error_of([&] { parse_npy(file, "x.npy"); });
}

TEST(Npy, reads_versions_one_to_three) {
  for (const int version : {1, 2, 3}) {
    const Tensor tensor =
        parse_npy(six_floats("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", version), "x.npy");
    EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(floats(tensor), six);
  }
}

TEST(Npy, keys_stand_in_any_order) {
  const Tensor tensor = parse_npy(six_floats("{\"shape\": (6L,),'fortran_order':False,'descr':'<f4'}"), "x.npy");
  EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{6}));
  EXPECT_EQ(floats(tensor), six);
}

TEST(Npy, transposes_fortran_order) {
  const Tensor matrix = parse_npy(six_floats("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }"), "x.npy");
  EXPECT_EQ(floats(matrix), (std::vector<float>{1, 3, 5, 2, 4, 6}));

  // Element (a, b, c) of a (2, 3, 4) array in Fortran order stands at a + 2 b + 6 c.
  std::vector<float> stored(24);
  std::iota(stored.begin(), stored.end(), 0.0F);
  const Tensor cube =
      parse_npy(npy(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 4), }", float_bytes(stored)), "x.npy");
  std::size_t i = 0;
  for (int a = 0; a < 2; ++a) {
    for (int b = 0; b < 3; ++b) {
      for (int c = 0; c < 4; ++c) EXPECT_EQ(cube.floats()[i++], static_cast<float>(a + 2 * b + 6 * c));
    }
  }
}

TEST(Npy, scalars_and_empty_tensors) {
  const Tensor scalar = parse_npy(
      npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", float_bytes(std::vector<float>{7})), "x.npy");
  EXPECT_TRUE(scalar.shape.empty());
  EXPECT_EQ(floats(scalar), std::vector<float>{7});
  const Tensor empty =
      parse_npy(npy(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (9223372036854775807, 0, 5), }", {}), "x.npy");
  EXPECT_EQ(empty.shape[0], 9223372036854775807);
  EXPECT_TRUE(empty.bytes.empty());
  // The product of the sizes before the 0 does not fit.
  const std::string overflows =
      "{'descr': '<f4', 'fortran_order': True, 'shape': (9223372036854775807, 9223372036854775807, 0), }";
  EXPECT_TRUE(parse_npy(npy(1, overflows, {}), "x.npy").bytes.empty());
}

TEST(Npy, numbers_of_every_type) {
  const std::vector<std::pair<std::string, Type>> types = {{"<f4", Type::f32}, {"<f2", Type::f16}, {"<u2", Type::bf16},
                                                           {"|i1", Type::i8},  {"|u1", Type::u8},  {"<i4", Type::i32}};
  const Folder folder;
  for (const auto& [word, type] : types) {
    const auto size = static_cast<std::size_t>(size_of(type));
    Bytes data(6 * size);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i);
    const auto header = [&descr = word](const std::string& fortran) {
      return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': (2, 3), }";
    };
    const Tensor tensor = parse_npy(npy(1, header("False"), data), "x.npy");
    EXPECT_EQ(tensor.type, type);
    EXPECT_EQ(tensor.bytes, data);
    EXPECT_EQ(io::type_text(type), std::string(name_of(type)) + " ('" + word + "')");
    io::write_npy(folder.path("y.npy"), tensor);
    EXPECT_EQ(read_file(folder.path("y.npy"), 1 << 20), npy(1, header("False"), data));

    const Tensor turned = parse_npy(npy(1, header("True"), data), "x.npy");
    for (std::size_t i = 0; i < 6; ++i) {
      EXPECT_EQ(turned.bytes[i * size], data[(i / 3 + 2 * (i % 3)) * size]) << word << " " << i;
    }
    if (type != Type::f32) {
      EXPECT_TRUE(contains(error_of([&] { (void)tensor.floats(); }), "a tensor of " + io::type_text(type)));
    }
  }
}

TEST(Npy, other_types_are_named) {
  for (const std::string type : {"<f8", ">f4", "<i8", "|b1", "<u1", "|V2"}) {
    EXPECT_TRUE(contains(
        refusal_of_npy(six_floats("{'descr': '" + type + "', 'fortran_order': False, 'shape': (6,), }")),
        "x.npy: holds '" + type + "'; what can be read is f32 ('<f4'), f16 ('<f2'), bf16 ('<u2'), i8 ('|i1')"));
  }
  EXPECT_TRUE(contains(refusal_of_npy(six_floats("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }")),
                       "holds records"));
}

TEST(Npy, sizes_are_checked_against_the_file) {
  for (const std::string shape : {"(7,)", "(5,)", "(2, 4)", "(4611686018427387904, 4)", "(9223372036854775807,)",
                                  "(4294967296, 4294967296)", "()", "(0,)"}) {
    EXPECT_TRUE(
        contains(refusal_of_npy(six_floats("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }")),
                 "the shape " + (shape == "(0,)" ? std::string("(0,)") : shape) + " does not fit the 24 bytes"));
  }
  Bytes odd = six_floats("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }");
  odd.push_back(std::byte{0});
  EXPECT_TRUE(contains(refusal_of_npy(odd), "does not fit the 25 bytes"));
}

TEST(Npy, hostile_headers) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "a size overflows"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-6,), }", "a number expected"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (6.0,), }", "')' expected"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': 6, }", "'(' expected"},
      {"{'descr': '<f4', 'fortran_order': 0, 'shape': (6,), }", "True or False expected"},
      {"{'descr': '<f4', 'shape': (6,), }", "lacks"},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", "unexpected key 'descr'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'more': 1}", "unexpected key 'more'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,)", "'}' expected"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} ]", "behind the dictionary"},
      {"{'descr': '<f4", "a string does not end"},
      {"", "'{' expected"},
  };
  for (const auto& [header, expected] : cases) {
    EXPECT_TRUE(contains(refusal_of_npy(six_floats(header)), expected)) << header;
  }
  std::string shape;
  for (int i = 0; i < 33; ++i) shape += "1, ";
  EXPECT_TRUE(contains(refusal_of_npy(six_floats("{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + ")}")),
                       "more than 32 dimensions"));
}

TEST(Npy, every_truncation_is_an_error) {
  const Bytes whole = six_floats("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(refusal_of_npy(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))).empty());
  }
}

TEST(Npy, other_files_and_versions) {
  EXPECT_TRUE(contains(refusal_of_npy(bytes_of("PK\x03\x04 a zip file")), "not a .npy file"));
  EXPECT_TRUE(contains(refusal_of_npy(six_floats("{}", 4)), "version 4"));
  EXPECT_TRUE(contains(error_of([] { io::read_npy("/nowhere/x.npy"); }), "/nowhere/x.npy: cannot be opened"));
}

TEST(Npy, what_is_written_is_read) {
  const Folder folder;
  const std::vector<std::int64_t> shape = {1, 2, 3};
  io::write_npy(folder.path("y.npy"), io::tensor_of(shape, six));
  const Tensor tensor = io::read_npy(folder.path("y.npy"));
  EXPECT_EQ(tensor.shape, shape);
  EXPECT_EQ(floats(tensor), six);
  // The data starts at a multiple of 64 bytes.
  EXPECT_EQ(read_file(folder.path("y.npy"), 1 << 20).size() % 64, sizeof(float) * six.size());
  EXPECT_EQ(folder.names(), std::vector<std::string>{"y.npy"});
}

}  // namespace
}  // namespace riffle::tests
