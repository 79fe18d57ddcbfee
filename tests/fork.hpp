// A child process, for what is to hold in one.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define RIFFLE_THREAD_SANITIZER
#endif
#endif

namespace riffle::testing {

/// Why a child of a process with threads can have none here; null where it can.
inline const char* why_no_threads_in_a_child() {
#if defined(RIFFLE_THREAD_SANITIZER)
  return "ThreadSanitizer starts no threads in a child of a process with threads";
#elif defined(RIFFLE_EMULATED)
  return "qemu-user ends a child of a process with threads that starts one";
#else
  return nullptr;
#endif
}

/// Does f return true in a child of this process? False, too, where it dies or is not through after a minute.
template <class F>
bool holds_in_a_child(F&& f) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(f() ? 0 : 1);
  }
  int status = 1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace riffle::testing
