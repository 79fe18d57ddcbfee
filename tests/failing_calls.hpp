// Calls of the system that fail when a test says so: any of them, or a file that may grow to so many bytes. For one
// source file of a program that riffle_failing_calls() (cmake/tests.cmake) links: its own calls, and those of riffle's
// libraries in it, come here first. What the standard library calls does not.
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <limits>

namespace riffle::testing {

/// What is to go wrong while it lives; there is one at a time.
class Fault {
 public:
  static constexpr long never = std::numeric_limits<long>::max();

  /// The call that fails, 0 the first: with this error, or, of error 0, by the end of the process as of kill -9.
  static Fault of_call(long number, int error) { return {number, error, never, never}; }
  /// The call before which the process gets a signal. If it outlives that, nothing fails.
  static Fault of_signal(long number, int signal) {
    signal_to_get.store(signal);
    return {number, EINTR, never, never};
  }
  /// So many bytes can be written. The call that would write one more writes what there is room for; the next fails.
  static Fault of_byte(long number, int error) { return {never, error, number, never}; }
  /// Nothing fails, but each call writes one byte alone and is interrupted before that by a signal.
  static Fault of_patience() { return {never, EINTR, never, 1}; }

  ~Fault() { calls.store(never), room.store(never), most_at_once.store(never), signal_to_get.store(0); }
  Fault(const Fault&) = delete;
  Fault& operator=(const Fault&) = delete;

  /// Has the last one gone wrong?
  [[nodiscard]] static bool met() { return was_met.load(); }

  /// A file that is made when it goes wrong: for whoever waits for the process.
  static inline const char* trace = nullptr;

  /// For the functions below: does this call fail? errno is set then.
  static bool meets_call() {
    if (calls.load() == never || calls.fetch_sub(1) != 0) return false;
    meet();
    return signal_to_get.load() == 0;
  }

  /// Of `size` bytes that are to be written, those that this call may: negative where it fails.
  static long meets_bytes(long size) {
    if (meets_call()) return -1;
    if (most_at_once.load() != never && was_interrupted.exchange(!was_interrupted.load()) == false) {
      meet();
      return -1;
    }
    const long most = std::min({size, room.load(), most_at_once.load()});
    if (most == 0 && size > 0) {
      meet();
      return -1;
    }
    if (room.load() != never) room.fetch_sub(most);
    return most;
  }

 private:
  Fault(long call, int error, long bytes, long at_once) {
    was_met.store(false);
    error_to_meet.store(error);
    room.store(bytes), most_at_once.store(at_once), calls.store(call);
  }
  static void meet() {
    was_met.store(true);
    if (trace != nullptr) ::creat(trace, 0600);
    if (error_to_meet.load() == 0) ::raise(SIGKILL);
    if (signal_to_get.load() != 0) ::kill(::getpid(), signal_to_get.load());
    errno = error_to_meet.load();
  }

  static inline std::atomic<long> calls{never}, room{never}, most_at_once{never};
  static inline std::atomic<int> error_to_meet{0}, signal_to_get{0};
  static inline std::atomic<bool> was_met{false}, was_interrupted{false};
};

}  // namespace riffle::testing

extern "C" {
// RIFFLE_FAILING(result, name, (parameters), (arguments), what it returns where it fails)
#define RIFFLE_FAILING(result, name, parameters, arguments, failure) \
  result __real_##name parameters;                                   \
  result __wrap_##name parameters {                                  \
    if (riffle::testing::Fault::meets_call()) return failure;        \
    return __real_##name arguments;                                  \
  }
RIFFLE_FAILING(int, stat, (const char* path, struct stat* to), (path, to), -1)
RIFFLE_FAILING(int, lstat, (const char* path, struct stat* to), (path, to), -1)
RIFFLE_FAILING(int, fstat, (int file, struct stat* to), (file, to), -1)
RIFFLE_FAILING(int, access, (const char* path, int mode), (path, mode), -1)
RIFFLE_FAILING(ssize_t, readlink, (const char* path, char* to, std::size_t size), (path, to, size), -1)
RIFFLE_FAILING(ssize_t, pread, (int file, void* to, std::size_t size, off_t from), (file, to, size, from), -1)
RIFFLE_FAILING(int, flock, (int file, int operation), (file, operation), -1)
RIFFLE_FAILING(int, fchown, (int file, uid_t owner, gid_t group), (file, owner, group), -1)
RIFFLE_FAILING(int, fchmod, (int file, mode_t mode), (file, mode), -1)
RIFFLE_FAILING(int, fsync, (int file), (file), -1)
RIFFLE_FAILING(int, rename, (const char* from, const char* to), (from, to), -1)
RIFFLE_FAILING(int, unlink, (const char* path), (path), -1)
RIFFLE_FAILING(int, madvise, (void* at, std::size_t size, int advice), (at, size, advice), -1)
RIFFLE_FAILING(void*, mmap, (void* at, std::size_t size, int allowed, int flags, int file, off_t from),
               (at, size, allowed, flags, file, from), MAP_FAILED)
RIFFLE_FAILING(std::FILE*, fopen, (const char* path, const char* mode), (path, mode), nullptr)
RIFFLE_FAILING(int, pthread_create,
               (pthread_t * thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument),
               (thread, attributes, run, argument), EAGAIN)
#undef RIFFLE_FAILING

ssize_t __real_write(int file, const void* bytes, std::size_t size);
ssize_t __wrap_write(int file, const void* bytes, std::size_t size) {
  const long most = riffle::testing::Fault::meets_bytes(static_cast<long>(size));
  return most < 0 ? -1 : __real_write(file, bytes, static_cast<std::size_t>(most));
}

/// One that fails closes the file all the same.
int __real_close(int file);
int __wrap_close(int file) {
  const bool fails = riffle::testing::Fault::meets_call();
  const int error = errno;
  const int result = __real_close(file);
  if (!fails) return result;
  errno = error;
  return -1;
}

int __real_open(const char* path, int flags, ...);
int __wrap_open(const char* path, int flags, ...) {
  if (riffle::testing::Fault::meets_call()) return -1;
  std::va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return __real_open(path, flags, mode);
}

/// Of commands that take an int or nothing.
int __real_fcntl(int file, int command, ...);
int __wrap_fcntl(int file, int command, ...) {
  if (riffle::testing::Fault::meets_call()) return -1;
  std::va_list more;
  va_start(more, command);
  const int argument = va_arg(more, int);
  va_end(more);
  return __real_fcntl(file, command, argument);
}
}
