#include "trainer/fit/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "engine/graph/graph.hpp"

namespace riffle::trainer {
namespace {

/// ", process 123", as far as the file says.
std::string holder(int file) {
  std::array<char, 16> text = {};
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  const std::string_view read(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  const std::string_view digits = read.substr(0, std::min(read.find_first_not_of("0123456789"), read.size()));
  return digits.empty() ? "" : ", process " + std::string(digits);
}

/// Is it what stands at the path? Whoever held the lock removed the file at its end, perhaps after it was opened here.
bool is_at(int file, const std::string& path) {
  struct stat one = {}, other = {};
  return ::fstat(file, &one) == 0 && ::stat(path.c_str(), &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

}  // namespace

FolderLock::FolderLock(const std::string& folder) : path_(folder + "/lock") {
  while (!held_) {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) throw Error(path_ + ": cannot be opened: " + std::strerror(errno));
    if (::flock(file_, LOCK_EX | LOCK_NB) == 0) {
      held_ = is_at(file_, path_);
    } else if (errno == EWOULDBLOCK) {
      const std::string other = holder(file_);
      ::close(file_);
      throw Error(folder + ": another run is under way in it" + other +
                  "; it has to end first, or this one takes another folder");
    } else if (errno != EINTR) {
      return;
    }
    if (!held_) ::close(file_);
  }
  // For who is kept out to see; if it cannot be written, nothing is lost.
  const std::string number = std::to_string(::getpid()) + "\n";
  const bool told = ::ftruncate(file_, 0) == 0 && ::pwrite(file_, number.data(), number.size(), 0) > 0;
  static_cast<void>(told);
}

FolderLock::~FolderLock() {
  ::unlink(path_.c_str());
  ::close(file_);
}

}  // namespace riffle::trainer
