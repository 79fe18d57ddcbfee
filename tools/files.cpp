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
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  /// A file system may report a failed write only here.
  [[nodiscard]] bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

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

InputFile::InputFile(std::string path) : path_(std::move(path)), descriptor_(-1), size_(0) {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  Descriptor descriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.get() < 0) fail(path_, "cannot be opened");
  struct stat status = {};
  if (::fstat(descriptor.get(), &status) != 0) fail(path_, "cannot be read");
  if (S_ISDIR(status.st_mode)) throw Error(path_ + ": is a directory");
  if (!S_ISREG(status.st_mode)) throw Error(path_ + ": is not a regular file");
  size_ = status.st_size;
  descriptor_ = descriptor.release();
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::size_t InputFile::read(std::int64_t offset, std::span<std::byte> to) const {
  std::size_t done = 0;
  while (done < to.size()) {
    const auto from = static_cast<off_t>(offset + static_cast<std::int64_t>(done));
    const ssize_t got = ::pread(descriptor_, to.data() + done, to.size() - done, from);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, "cannot be read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::vector<std::byte> read_file(const std::string& path, std::int64_t max_bytes) {
  const InputFile file(path);
  if (file.size() > max_bytes) {
    throw Error(path + ": " + std::to_string(file.size()) + " bytes are more than the " + std::to_string(max_bytes) +
                " that are read");
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  bytes.resize(file.read(0, bytes));
  return bytes;
}

std::vector<std::byte> read_beginning(const std::string& path, std::size_t count) {
  std::vector<std::byte> bytes(count);
  bytes.resize(InputFile(path).read(0, bytes));
  return bytes;
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
