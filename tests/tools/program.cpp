#include "tests/tools/program.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "base/files.hpp"
#include "tests/tools/encode.hpp"

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

}  // namespace

Result riffle(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  const Folder folder;
  std::vector<std::string> words;
  std::istringstream emulator(RIFFLE_EMULATOR);
  for (std::string word; emulator >> word;) words.push_back(word);
  words.push_back(RIFFLE_PROGRAM);
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    redirect(STDOUT_FILENO, folder.path("out"));
    redirect(STDERR_FILENO, folder.path("err"));
    for (std::string pair : environment) {
      const std::size_t equals = pair.find('=');
      ::setenv(pair.substr(0, equals).c_str(), pair.substr(equals + 1).c_str(), 1);
    }
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid failed");
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(folder.path("out")), contents(folder.path("err"))};
}

}  // namespace riffle::tests
