#include "tests/program.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "base/files.hpp"
#include "tests/encode.hpp"

namespace riffle::tests {
namespace {

std::string contents(const std::string& path) {
  const auto bytes = read_file(path, 1 << 26);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void redirect(int stream, const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || ::dup2(file, stream) < 0) ::_exit(126);
}

int code_of(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid failed");
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// The program's side of a terminal becomes its own, and its standard input and error stream.
void enter_terminal(const char* name, bool shows_out) {
  ::setsid();
  const int side = ::open(name, O_RDWR);
  if (side < 0 || ::ioctl(side, TIOCSCTTY, 0) != 0 || ::dup2(side, STDIN_FILENO) < 0 ||
      ::dup2(side, STDERR_FILENO) < 0 || (shows_out && ::dup2(side, STDOUT_FILENO) < 0)) {
    ::_exit(126);
  }
}

}  // namespace

void execute(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  std::istringstream emulator(RIFFLE_EMULATOR);
  for (std::string word; emulator >> word;) words.push_back(word);
  words.push_back(RIFFLE_PROGRAM);
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

Result riffle(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
              const std::function<void()>& prepare) {
  const Folder folder;
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    redirect(STDOUT_FILENO, folder.path("out"));
    redirect(STDERR_FILENO, folder.path("err"));
    for (std::string pair : environment) {
      const std::size_t equals = pair.find('=');
      ::setenv(pair.substr(0, equals).c_str(), pair.substr(equals + 1).c_str(), 1);
    }
    if (prepare) prepare();
    execute(arguments);
  }
  const int code = code_of(child);
  return {code, contents(folder.path("out")), contents(folder.path("err"))};
}

Result riffle_in_terminal(const std::vector<std::string>& arguments, const Terminal& terminal) {
  const Folder folder;
  const int ours = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (ours < 0 || ::grantpt(ours) != 0 || ::unlockpt(ours) != 0) throw std::runtime_error("no terminal");
  winsize size = {};
  size.ws_row = 24;
  size.ws_col = static_cast<unsigned short>(terminal.columns);
  if (::ioctl(ours, TIOCSWINSZ, &size) != 0) throw std::runtime_error("no terminal of that size");
  const std::string name = ::ptsname(ours);

  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    ::close(ours);
    ::signal(SIGINT, SIG_DFL);
    redirect(STDOUT_FILENO, folder.path("out"));
    enter_terminal(name.c_str(), terminal.shows_out);
    execute(arguments);
  }
  std::string sent;
  std::array<char, 4096> buffer;
  bool to_interrupt = !terminal.interrupt_at.empty();
  while (true) {  // until the other side is closed: Linux calls that an error
    const ssize_t got = ::read(ours, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    sent.append(buffer.data(), static_cast<std::size_t>(got));
    if (to_interrupt && sent.find(terminal.interrupt_at) != std::string::npos) {
      to_interrupt = false;
      if (::write(ours, "\x03", 1) != 1) throw std::runtime_error("Ctrl-C cannot be typed");
    }
  }
  ::close(ours);
  const int code = code_of(child);
  return {code, contents(folder.path("out")), sent};
}

}  // namespace riffle::tests
