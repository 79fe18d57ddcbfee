// The lock of a run's folder. A program of its own, for it replaces flock().
#include "trainer/fit/lock.hpp"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/files.hpp"
#include "tests/encode.hpp"
#include "tests/expect_error.hpp"

namespace {
int refusal = 0;                    ///< the errno with which flock() fails; 0: it does what it does
std::function<void()> before_lock;  ///< called once
}  // namespace

// NOLINTNEXTLINE: the C library's
extern "C" int flock(int file, int operation) noexcept {
  if (before_lock) std::exchange(before_lock, nullptr)();
  if (refusal != 0) {
    errno = refusal;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_flock, file, operation));
}

namespace riffle::trainer {
namespace {

using tests::contains;
using tests::error_of;

class Lock : public ::testing::Test {
 protected:
  Lock() { std::filesystem::create_directory(run); }
  [[nodiscard]] bool empty() const { return std::filesystem::is_empty(run); }

  tests::Folder folder;
  const std::string run = folder.path("run");
};

TEST_F(Lock, keeps_others_out_while_it_is_held) {
  {
    const FolderLock lock(run);
    EXPECT_TRUE(lock.held());
    EXPECT_TRUE(contains(error_of([&] { const FolderLock second(run); }),
                         run + ": another run is under way in it, process " + std::to_string(::getpid())));
    std::filesystem::resize_file(run + "/lock", 0);
    EXPECT_TRUE(contains(error_of([&] { const FolderLock second(run); }), "under way in it; "));
  }
  EXPECT_TRUE(empty());
  EXPECT_TRUE(FolderLock(run).held());
}

TEST_F(Lock, of_a_process_that_was_killed_is_free) {
  std::array<int, 2> pipe = {};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(run);
    if (::write(pipe[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  char byte = 0;
  ASSERT_EQ(::read(pipe[0], &byte, 1), 1);
  EXPECT_TRUE(contains(error_of([&] { const FolderLock lock(run); }), "process " + std::to_string(child) + ";"));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(empty());
  { EXPECT_TRUE(FolderLock(run).held()); }
  EXPECT_TRUE(empty());
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(Lock, is_not_that_of_a_file_which_has_been_removed) {
  // The holder ends between opening and locking, and a third takes the lock, of a new file.
  auto first = std::make_unique<FolderLock>(run);
  std::unique_ptr<FolderLock> third;
  before_lock = [&] {
    first.reset();
    third = std::make_unique<FolderLock>(run);
  };
  EXPECT_TRUE(contains(error_of([&] { const FolderLock second(run); }), "under way"));
  EXPECT_TRUE(third->held());
}

TEST_F(Lock, is_missed_where_the_file_system_has_none) {
  for (const int error : {ENOTSUP, ENOSYS, ENOLCK}) {
    refusal = error;
    EXPECT_FALSE(FolderLock(run).held());
    EXPECT_TRUE(empty());
  }
  refusal = 0;
}

TEST_F(Lock, names_a_folder_that_is_not_there) {
  EXPECT_TRUE(contains(error_of([&] { const FolderLock lock(folder.path("none")); }), folder.path("none/lock")));
}

}  // namespace
}  // namespace riffle::trainer
