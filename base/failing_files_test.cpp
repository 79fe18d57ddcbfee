// write_file() with every call of the system failing in turn, with a disk that is full after each byte, and with the
// process killed at each call and at each byte: what has the name is old or new, and always whole.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "base/files.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "tests/failing_calls.hpp"
#include "tests/fork.hpp"

namespace riffle::tests {
namespace {

using testing::Fault;

class FailingFiles : public ::testing::Test {
 protected:
  FailingFiles() : old_(bytes_of("what was there before")) {
    for (int i = 0; i < 300; ++i) new_.push_back(static_cast<std::byte>(i));
  }

  void write() const {
    const std::span<const std::byte> all(new_);
    write_file(path_, {all.first(100), all.subspan(100, 1), all.subspan(101)});
  }

  /// Nothing but the file, whole; returns whether it is the new one. `old`: there was one.
  bool is_new(bool old) const {
    if (!std::filesystem::exists(path_)) {
      EXPECT_FALSE(old);
      return false;
    }
    const Bytes bytes = read_file(path_, 1000);
    if (bytes == new_) return true;
    EXPECT_TRUE(old);
    EXPECT_EQ(bytes, old_);
    return false;
  }

  /// As it was before a test.
  void begin(bool old) const {
    for (const std::string& name : folder_.names()) std::filesystem::remove(folder_.path(name));
    if (old) folder_.write("f", old_);
  }

  Folder folder_;
  std::string path_ = folder_.path("f");
  Bytes old_, new_;
};

/// Errors of which each means something else to a caller: a full disk, no such thing, a signal.
TEST_F(FailingFiles, each_call_that_fails_leaves_a_whole_file) {
  for (const int error : {ENOSPC, ENOTSUP, EINTR}) {
    for (const bool old : {false, true}) {
      for (long call = 0;; ++call) {
        SCOPED_TRACE(::testing::Message() << "call " << call << ", " << std::strerror(error) << ", old: " << old);
        begin(old);
        std::string said;
        try {
          const Fault fault = Fault::of_call(call, error);
          write();
        } catch (const Error& e) {
          said = e.what();
        }
        // What the name is already, but may not outlast a power cut, is said, too.
        const bool is_whole = is_new(old);
        EXPECT_EQ(is_whole, said.empty() || contains(said, "is written, but")) << said;
        EXPECT_TRUE(said.empty() || contains(said, path_));
        EXPECT_LE(folder_.names().size(), 1U);
        if (!Fault::met()) {
          EXPECT_GT(call, 8);  // there are that many
          break;
        }
      }
    }
  }
}

TEST_F(FailingFiles, a_disk_that_is_full_at_any_byte_leaves_the_old_file) {
  for (const int error : {ENOSPC, EIO}) {
    for (long byte = 0; byte < static_cast<long>(new_.size()); ++byte) {
      begin(byte % 2 == 0);
      const std::string said = error_of([&] {
        const Fault fault = Fault::of_byte(byte, error);
        write();
      });
      EXPECT_TRUE(contains(said, path_ + ": cannot be written: " + std::strerror(error)));
      EXPECT_FALSE(is_new(byte % 2 == 0));
      EXPECT_EQ(folder_.names().size(), byte % 2 == 0 ? 1U : 0U);
    }
  }
  begin(false);
  {
    const Fault fault = Fault::of_byte(static_cast<long>(new_.size()), ENOSPC);
    write();
  }
  EXPECT_TRUE(is_new(false));
}

TEST_F(FailingFiles, signals_between_single_bytes_change_nothing) {
  begin(true);
  {
    const Fault fault = Fault::of_patience();
    write();
    EXPECT_TRUE(Fault::met());
  }
  EXPECT_TRUE(is_new(true));
}

/// And whoever writes it next is not hindered by what was left.
TEST_F(FailingFiles, killed_at_any_call_or_byte_the_file_is_whole) {
  const auto killed = [&](const auto& fault, bool old) {
    begin(old);
    const bool lived = testing::holds_in_a_child([&] {
      const Fault armed = fault();
      write();
      return true;
    });
    const bool is_whole = is_new(old);
    EXPECT_TRUE(is_whole || !lived);
    write();
    EXPECT_TRUE(is_new(old));
    EXPECT_EQ(folder_.names(), std::vector<std::string>{"f"});
    return !lived;
  };
  long calls = 0;
  while (killed([&] { return Fault::of_call(calls, 0); }, calls % 2 == 0)) ++calls;
  EXPECT_GT(calls, 8);
  for (long byte = 0; byte < static_cast<long>(new_.size()); byte += 13) {
    EXPECT_TRUE(killed([&] { return Fault::of_byte(byte, 0); }, byte % 2 == 0));
  }
}

}  // namespace
}  // namespace riffle::tests
