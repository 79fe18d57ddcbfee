#include "base/files.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "base/error.hpp"

namespace riffle {
namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw Error({path, ": ", what, ": ", std::strerror(errno)});
}

void expect_regular(const std::string& path, const struct stat& status) {
  if (S_ISDIR(status.st_mode)) throw Error({path, ": is a directory"});
  if (!S_ISREG(status.st_mode)) throw Error({path, ": is not a regular file"});
}

[[noreturn]] void fail_size(const std::string& path, const std::string& bytes, std::int64_t max_bytes) {
  throw Error({path, ": ", bytes, " bytes are more than the ", max_bytes, " that are read"});
}

void write_parts(int file, const std::string& path, std::initializer_list<std::span<const std::byte>> parts) {
  for (std::span<const std::byte> part : parts) {
    while (!part.empty()) {
      const ssize_t put = ::write(file, part.data(), part.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail(path, "cannot be written");
      part = part.subspan(static_cast<std::size_t>(put));
    }
  }
}

/// A character device or a pipe.
void write_stream(const std::string& path, std::initializer_list<std::span<const std::byte>> parts) {
  // Without O_NONBLOCK, opening a pipe that nobody reads from would wait for ever. Writing to one that is full waits.
  const Descriptor stream(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (stream.number() < 0 && errno == ENXIO) throw Error({path, ": nobody reads from this pipe"});
  if (stream.number() < 0) fail(path, "cannot be opened");
  const int flags = ::fcntl(stream.number(), F_GETFL);
  if (flags < 0 || ::fcntl(stream.number(), F_SETFL, flags & ~O_NONBLOCK) != 0) fail(path, "cannot be opened");
  write_parts(stream.number(), path, parts);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

/// Where a path leads to when its last name is a symbolic link, be there something or not.
std::string followed(const std::string& path) {
  std::string at = path;
  constexpr int most = 40;  // as in Linux
  for (int links = 0; links < most; ++links) {
    char to[PATH_MAX];
    const ssize_t length = ::readlink(at.c_str(), to, sizeof to);
    if (length < 0) return at;
    const std::string name(to, static_cast<std::size_t>(length));
    at = name.starts_with('/') ? name : joined({folder_of(at), "/", name});
  }
  errno = ELOOP;
  fail(path, "cannot be opened");
}

/// Is it still that file which has the name?
bool has_name(const Descriptor& file, const std::string& name) {
  struct stat opened = {}, named = {};
  return ::fstat(file.number(), &opened) == 0 && ::lstat(name.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

/// A new file of that name, which is locked while it is open: one that is there without a lock was left over. Some file
/// systems have no locks; there two processes that write the same file at a time may make each other fail.
Descriptor open_part(const std::string& name, const std::string& path) {
  constexpr int tries = 100;
  for (int i = 0; i < tries; ++i) {
    Descriptor made(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (made.number() >= 0) {
      // Another process may be about to take it for a leftover: then it has no name afterwards.
      while (::flock(made.number(), LOCK_EX) != 0 && errno == EINTR) {
      }
      if (has_name(made, name)) return made;
      continue;
    }
    if (errno != EEXIST) fail(path, "cannot be created");
    const Descriptor left(::open(name.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (left.number() < 0 && errno == ENOENT) continue;
    if (left.number() < 0) fail(name, "is in the way");
    if (::flock(left.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) break;
    if (has_name(left, name) && ::unlink(name.c_str()) != 0) fail(name, "is in the way");
  }
  throw Error({path, ": another process is writing it"});
}

/// Brings what was written to the disk.
bool synchronised(int file) {
  while (::fsync(file) != 0) {
    if (errno == EINVAL || errno == ENOTSUP) return true;  // the file system has no such thing
    if (errno != EINTR) return false;
  }
  return true;
}

/// Some file systems say only when a file is closed that a write failed. This closes a copy, for the lock lasts as long
/// as the file is open.
bool closes(int file) {
  Descriptor copy(::fcntl(file, F_DUPFD_CLOEXEC, 0));
  return copy.number() >= 0 && copy.close();
}

/// While it lives, signals that end a program wait, as far as they come to this thread: they would leave a part of a
/// file behind.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t ending;
    ::sigemptyset(&ending);
    for (const int signal : {SIGHUP, SIGINT, SIGTERM}) ::sigaddset(&ending, signal);
    ::pthread_sigmask(SIG_BLOCK, &ending, &before_);
  }
  ~SignalsWait() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;

 private:
  sigset_t before_ = {};
};

/// Owner and permissions of the file that is replaced.
void take_over(int file, const struct stat& replaced, const std::string& path) {
  const bool owned = ::fchown(file, replaced.st_uid, replaced.st_gid) == 0;
  const mode_t mode = replaced.st_mode & (owned ? 07777 : 0777);
  if (::fchmod(file, mode) != 0) fail(path, "cannot be given its permissions");
}

void expect_replaceable(const std::string& path, const struct stat& status) {
  expect_regular(path, status);
  // Permissions bind no superuser, who wrote them into the file nevertheless.
  constexpr mode_t anyone = S_IWUSR | S_IWGRP | S_IWOTH;
  const bool may_write = ::access(path.c_str(), W_OK) == 0;
  if (!may_write && errno != EACCES && errno != EPERM && errno != EROFS) fail(path, "cannot be written");
  if ((status.st_mode & anyone) == 0 || !may_write) {
    throw Error({path, ": is there already and read-only; make it writable or remove it"});
  }
  if (status.st_nlink > 1) {
    throw Error({path, ": is there already and has further names (hard links), which would keep what it holds; ",
                 "remove it first"});
  }
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

bool Descriptor::close() { return ::close(std::exchange(number_, -1)) == 0; }

InputFile::InputFile(std::string path) : path_(std::move(path)), descriptor_(-1) {
  // First a look: to open a device may do something. Then again, for what is there may have changed; and without
  // O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  struct stat status = {};
  if (::stat(path_.c_str(), &status) != 0) fail(path_, "cannot be opened");
  expect_regular(path_, status);
  descriptor_ = Descriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (descriptor_.number() < 0) fail(path_, "cannot be opened");
  if (::fstat(descriptor_.number(), &status) != 0) fail(path_, "cannot be read");
  expect_regular(path_, status);
  bytes_ = status.st_size;
}

std::size_t InputFile::read(std::int64_t offset, std::span<std::byte> to) const {
  std::size_t done = 0;
  while (done < to.size()) {
    const auto from = static_cast<off_t>(offset + static_cast<std::int64_t>(done));
    const ssize_t got = ::pread(descriptor_.number(), to.data() + done, to.size() - done, from);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, "cannot be read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::vector<std::byte> read_file(const std::string& path, std::int64_t max_bytes) {
  const InputFile file(path);
  if (file.bytes() > max_bytes) fail_size(path, std::to_string(file.bytes()), max_bytes);
  // To the end, wherever that is: the size may be unknown, or have changed.
  constexpr std::size_t step = std::size_t{1} << 16;
  const auto most = static_cast<std::size_t>(max_bytes);
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.bytes()));
  std::size_t size = file.read(0, bytes);
  while (size == bytes.size()) {
    std::byte next[1];
    if (file.read(static_cast<std::int64_t>(size), next) == 0) break;
    if (size == most) fail_size(path, "its", max_bytes);
    bytes.resize(std::min(size + std::max(size, step), most));
    size += file.read(static_cast<std::int64_t>(size), std::span(bytes).subspan(size));
  }
  bytes.resize(size);
  return bytes;
}

std::vector<std::byte> read_beginning(const std::string& path, std::size_t count) {
  std::vector<std::byte> bytes(count);
  bytes.resize(InputFile(path).read(0, bytes));
  return bytes;
}

void write_file(const std::string& path, std::initializer_list<std::span<const std::byte>> parts) {
  struct stat status = {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode))) return write_stream(path, parts);
  if (exists) expect_replaceable(path, status);

  const std::string target = followed(path), part = joined({target, ".riffle-part"});
  const SignalsWait waiting;
  const Descriptor file = open_part(part, path);
  try {
    if (exists) take_over(file.number(), status, path);
    write_parts(file.number(), path, parts);
    if (!synchronised(file.number()) || !closes(file.number()) || ::rename(part.c_str(), target.c_str()) != 0) {
      fail(path, "cannot be written");
    }
  } catch (...) {
    ::unlink(part.c_str());
    throw;
  }
  // The new name. A folder that may not be read cannot be synchronised either.
  const Descriptor folder(::open(folder_of(target).c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  if (folder.number() >= 0 && !synchronised(folder.number())) fail(path, "is written, but may not outlast a power cut");
}

}  // namespace riffle
