#include "tools/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "engine/graph/graph.hpp"

namespace riffle::tools {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(path + ": " + what + ": " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  /// A file system may report a failed write only here.
  [[nodiscard]] bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

struct OpenFile {
  Descriptor descriptor;
  std::int64_t size;
};

OpenFile open_regular(const std::string& path) {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail(path, "cannot be opened");
  OpenFile file{Descriptor(fd), 0};
  struct stat status = {};
  if (::fstat(fd, &status) != 0) fail(path, "cannot be read");
  if (S_ISDIR(status.st_mode)) throw Error(path + ": is a directory");
  if (!S_ISREG(status.st_mode)) throw Error(path + ": is not a regular file");
  file.size = status.st_size;
  return file;
}

std::vector<std::byte> read_up_to(const OpenFile& file, const std::string& path, std::size_t count) {
  std::vector<std::byte> bytes(count);
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::read(file.descriptor.get(), bytes.data() + done, count - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "cannot be read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

void write_parts(int fd, const std::string& path, std::initializer_list<std::span<const std::byte>> parts) {
  for (std::span<const std::byte> part : parts) {
    while (!part.empty()) {
      const ssize_t put = ::write(fd, part.data(), part.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail(path, "cannot be written");
      part = part.subspan(static_cast<std::size_t>(put));
    }
  }
}

}  // namespace

std::vector<std::byte> read_file(const std::string& path, std::int64_t max_bytes) {
  const OpenFile file = open_regular(path);
  if (file.size > max_bytes) {
    throw Error(path + ": " + std::to_string(file.size) + " bytes are more than the " + std::to_string(max_bytes) +
                " that are read");
  }
  return read_up_to(file, path, static_cast<std::size_t>(file.size));
}

std::vector<std::byte> read_beginning(const std::string& path, std::size_t count) {
  return read_up_to(open_regular(path), path, count);
}

void write_file(const std::string& path, std::initializer_list<std::span<const std::byte>> parts) {
  std::error_code ignored;
  const auto type = std::filesystem::status(path, ignored).type();
  if (type == std::filesystem::file_type::directory) throw Error(path + ": is a directory");
  if (type == std::filesystem::file_type::character || type == std::filesystem::file_type::fifo) {
    Descriptor device(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (device.get() < 0) fail(path, "cannot be opened");
    write_parts(device.get(), path, parts);
    return;
  }

  std::string target = path;
  if (std::filesystem::is_symlink(path, ignored)) {
    const auto resolved = std::filesystem::weakly_canonical(path, ignored);
    if (!ignored) target = resolved.string();
  }
  const std::string beside = target + "." + std::to_string(::getpid()) + ".part";
  Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.get() < 0) fail(path, "cannot be created");
  try {
    write_parts(file.get(), path, parts);
    if (!file.close()) fail(path, "cannot be written");
    if (::rename(beside.c_str(), target.c_str()) != 0) fail(path, "cannot be written");
  } catch (...) {
    ::unlink(beside.c_str());
    throw;
  }
}

}  // namespace riffle::tools
