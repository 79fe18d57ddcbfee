#include "base/files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <thread>

#include "tests/encode.hpp"
#include "tests/expect_error.hpp"
#include "tests/fork.hpp"

namespace riffle::tests {
namespace {

TEST(Files, are_written_whole_and_replaced) {
  const Folder folder;
  const std::string path = folder.write("f", bytes_of("old contents"));
  write_file(path, {bytes_of("ne"), {}, bytes_of("w")});
  EXPECT_EQ(read_file(path, 100), bytes_of("new"));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"f"});
}

TEST(Files, a_link_stays_a_link) {
  const Folder folder;
  const std::string target = folder.write("target", bytes_of("old"));
  std::filesystem::create_symlink(target, folder.path("link"));
  write_file(folder.path("link"), {bytes_of("new")});
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
  EXPECT_EQ(read_file(target, 100), bytes_of("new"));
}

TEST(Files, a_device_stays_a_device) {
  write_file("/dev/null", {bytes_of("anything")});
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(Files, that_cannot_be_written_are_named) {
  const Folder folder;
  EXPECT_TRUE(contains(error_of([&] { write_file(folder.path("no/such"), {}); }), folder.path("no/such")));
  std::filesystem::create_directory(folder.path("d"));
  EXPECT_TRUE(contains(error_of([&] { write_file(folder.path("d"), {}); }), "is a directory"));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"d"});
}

mode_t mode_of(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

TEST(Files, a_link_to_nothing_stays_a_link) {
  const Folder folder;
  std::filesystem::create_symlink("target", folder.path("link"));
  std::filesystem::create_symlink("link", folder.path("further"));
  write_file(folder.path("further"), {bytes_of("new")});
  EXPECT_EQ(read_file(folder.path("target"), 100), bytes_of("new"));
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"further", "link", "target"}));
  std::filesystem::create_symlink("circle", folder.path("circle"));
  EXPECT_TRUE(contains(error_of([&] { write_file(folder.path("circle"), {}); }), folder.path("circle")));
}

TEST(Files, what_was_left_over_is_no_hindrance) {
  const Folder folder;
  folder.write("f.riffle-part", bytes_of("what a process that was killed had written so far"));
  ::chmod(folder.path("f.riffle-part").c_str(), 0600);
  const mode_t usual = mode_of(folder.write("usual", {}));
  write_file(folder.path("f"), {bytes_of("whole")});
  EXPECT_EQ(read_file(folder.path("f"), 100), bytes_of("whole"));
  EXPECT_EQ(mode_of(folder.path("f")), usual);
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"f", "usual"}));
  // Not so what is no file of ours.
  std::filesystem::create_symlink("f", folder.path("g.riffle-part"));
  EXPECT_TRUE(contains(error_of([&] { write_file(folder.path("g"), {}); }), "g.riffle-part: is in the way"));
  EXPECT_EQ(read_file(folder.path("f"), 100), bytes_of("whole"));
}

TEST(Files, that_another_process_writes_are_left_alone) {
  const Folder folder;
  const Descriptor other(::open(folder.write("f.riffle-part", bytes_of("half")).c_str(), O_WRONLY));
  ASSERT_EQ(::flock(other.number(), LOCK_EX), 0);
  EXPECT_TRUE(contains(error_of([&] { write_file(folder.path("f"), {}); }), "f: another process is writing it"));
  EXPECT_EQ(read_file(folder.path("f.riffle-part"), 100), bytes_of("half"));
}

/// Whoever is last wins, or is told that another is at it; what is there is always one whole file.
TEST(Files, written_by_many_at_a_time_are_whole) {
  const Folder folder;
  const std::string path = folder.path("f");
  const auto contents = [](int writer) { return Bytes(40000, static_cast<std::byte>(writer)); };
  write_file(path, {contents(0)});
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 50; ++i) {
        try {
          write_file(path, {contents(w)});
        } catch (const Error& error) {
          EXPECT_TRUE(contains(error.what(), "another process is writing it"));
        }
        const Bytes bytes = read_file(path, 1 << 20);
        EXPECT_EQ(bytes.size(), 40000U);
        EXPECT_EQ(bytes, contents(static_cast<int>(bytes.front())));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(folder.names(), std::vector<std::string>{"f"});
}

TEST(Files, that_are_replaced_keep_their_permissions) {
  const Folder folder;
  const std::string path = folder.write("f", bytes_of("old"));
  for (const mode_t mode : {0600U, 0640U, 0755U, 0666U}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    write_file(path, {bytes_of("new")});
    EXPECT_EQ(mode_of(path), mode);
  }
}

TEST(Files, that_are_read_only_are_not_replaced) {
  const Folder folder;
  const std::string path = folder.write("f", bytes_of("old"));
  ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
  EXPECT_TRUE(
      contains(error_of([&] { write_file(path, {bytes_of("new")}); }), path + ": is there already and read-only"));
  EXPECT_EQ(read_file(path, 100), bytes_of("old"));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"f"});
}

TEST(Files, of_several_names_are_not_parted) {
  const Folder folder;
  const std::string path = folder.write("f", bytes_of("old"));
  std::filesystem::create_hard_link(path, folder.path("g"));
  EXPECT_TRUE(contains(error_of([&] { write_file(path, {bytes_of("new")}); }), "hard links"));
  EXPECT_EQ(read_file(path, 100), bytes_of("old"));
  std::filesystem::remove(folder.path("g"));
  write_file(path, {bytes_of("new")});
  EXPECT_EQ(read_file(path, 100), bytes_of("new"));
}

TEST(Files, a_pipe_without_a_reader_is_not_waited_for) {
  const Folder folder;
  const std::string path = folder.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_TRUE(contains(error_of([&] { write_file(path, {bytes_of("x")}); }), path + ": nobody reads from this pipe"));
  const Descriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  write_file(path, {bytes_of("whole")});
  char got[8] = {};
  EXPECT_EQ(::read(reader.number(), got, sizeof got), 5);
  EXPECT_STREQ(got, "whole");
}

TEST(Files, a_socket_is_no_file) {
  const Folder folder;
  const std::string path = folder.path("s");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) GTEST_SKIP() << "the folder's name is too long for a socket's";
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_TRUE(contains(error_of([&] { read_file(path, 4); }), "is not a regular file"));
  EXPECT_TRUE(contains(error_of([&] { write_file(path, {}); }), "is not a regular file"));
}

TEST(Files, a_disk_that_is_full_changes_nothing) {
  EXPECT_TRUE(contains(error_of([] { write_file("/dev/full", {bytes_of("x")}); }), "/dev/full: cannot be written"));
  const Folder folder;
  const Bytes large(1 << 20);
  // What the shell's ulimit -f says.
  const std::string path = folder.write("f", bytes_of("old"));
  EXPECT_TRUE(riffle::testing::holds_in_a_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);  // as the program has it
    const rlimit limit{4096, 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    return contains(error_of([&] { write_file(path, {large}); }), "cannot be written").operator bool();
  }));
  EXPECT_EQ(read_file(path, 100), bytes_of("old"));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"f"});
  // And a disk.
  const std::string disk = folder.path("disk");
  std::filesystem::create_directory(disk);
  if (::mount("none", disk.c_str(), "tmpfs", 0, "size=64k") != 0) GTEST_SKIP() << "no file system can be mounted here";
  write_file(disk + "/f", {bytes_of("old")});
  EXPECT_TRUE(contains(error_of([&] { write_file(disk + "/f", {large}); }), "cannot be written: No space left"));
  EXPECT_EQ(read_file(disk + "/f", 100), bytes_of("old"));
  EXPECT_FALSE(std::filesystem::exists(disk + "/f.riffle-part"));
  EXPECT_EQ(::umount(disk.c_str()), 0);
}

TEST(Files, whose_size_the_system_does_not_tell_are_read_to_their_end) {
  const std::string path = "/proc/self/status";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
  EXPECT_GT(read_file(path, 1 << 20).size(), 100U);
  EXPECT_TRUE(
      contains(error_of([&] { read_file(path, 10); }), path + ": its bytes are more than the 10 that are read"));
}

TEST(Files, that_cannot_be_read_are_named) {
  const Folder folder;
  const std::string path = folder.write("f", bytes_of("12345"));
  EXPECT_EQ(read_file(path, 5).size(), 5U);
  EXPECT_TRUE(contains(error_of([&] { read_file(path, 4); }), path + ": 5 bytes are more than the 4"));
  EXPECT_EQ(read_beginning(path, 3), bytes_of("123"));
  EXPECT_TRUE(contains(error_of([&] { read_file(folder.path("none"), 4); }), "cannot be opened"));
  EXPECT_TRUE(contains(error_of([&] { read_file(folder.path(""), 4); }), "is a directory"));
  EXPECT_TRUE(contains(error_of([&] { read_file("/dev/zero", 4); }), "not a regular file"));
  // A pipe that nobody writes to is refused, not waited for.
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_TRUE(contains(error_of([&] { read_file(folder.path("pipe"), 4); }), "not a regular file"));
}

}  // namespace
}  // namespace riffle::tests
