// riffle, the command line. Exit code 0; 1 with one line on the standard error stream that says what is wrong; 128 and
// the signal's number where a signal stopped a run that can go on.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "tools/commands.hpp"
#include "tools/ranks.hpp"

namespace {

int fail(const std::string& message) {
  // In one piece: several ranks write to one terminal.
  std::cerr << "riffle: " + riffle::tools::teller_of_an_error() + riffle::printable(message) + '\n';
  return 1;
}

/// The exit code of a program that has done everything but this.
int flush() { return std::cout.flush() ? 0 : fail("the standard output cannot be written"); }

/// A program may be started without its standard streams. The first files that it opens would take their places, and
/// whatever is printed would be written into them. Printing to a stream that is read-only fails, as it should.
void hold_places_of_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) < 0) (void)::open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  }
}

/// No argument of any command may be an empty word, as a variable of a script that was never set makes one.
void refuse_empty_words(CLI::App& program) {
  const auto check = [](const std::string& word) {
    return word.empty() ? "'' is an empty word; something is needed there" : std::string();
  };
  for (CLI::App* command : program.get_subcommands([](CLI::App*) { return true; })) {
    for (CLI::Option* option : command->get_options()) {
      if (option->get_items_expected_max() > 0) option->check(CLI::Validator(check, ""));
    }
  }
}

/// The arguments, last first, as CLI11 wants them. "help COMMAND" is "COMMAND --help".
std::vector<std::string> words_of(int argc, char** argv, const CLI::App& program) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "help") {
    const auto is_named = [&](const CLI::App* command) { return words.size() == 1 || command->check_name(words[1]); };
    if (program.get_subcommands(is_named).empty()) {
      throw CLI::ValidationError("help", "there is no command '" + words[1] + "'; riffle --help lists them");
    }
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  std::reverse(words.begin(), words.end());
  return words;
}

int run(int argc, char** argv) {
  hold_places_of_standard_streams();
  // A file that grows beyond what the shell allows (ulimit -f) is an error of the write, not the program's end.
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App program("CPU inference for the ShuffleNet family", "riffle");
  program.set_version_flag("--version", RIFFLE_VERSION);
  program.require_subcommand(0, 1);  // with 1, a misspelt command would only be told that there is none
  try {
    riffle::tools::begin_ranks();
    for (const auto add : {
             riffle::tools::add_build,
             riffle::tools::add_convert,
             riffle::tools::add_embed,
             riffle::tools::add_quantize,
             riffle::tools::add_run,
             riffle::tools::add_classify,
             riffle::tools::add_detect,
             riffle::tools::add_landmarks,
             riffle::tools::add_segment,
             riffle::tools::add_inspect,
             riffle::tools::add_bench,
             riffle::tools::add_verify,
#ifdef RIFFLE_TRAINER
             riffle::tools::add_train,
#endif
         }) {
      add(program);
    }
    refuse_empty_words(program);
    // Last, or the commands would have it, too.
    program.footer("riffle COMMAND --help, or riffle help COMMAND, says what a command takes.");
    program.parse(words_of(argc, argv, program));
    if (program.get_subcommands().empty()) return fail("a command is needed; riffle --help lists them");
    return flush();
  } catch (const CLI::Success& asked_for_help) {
    program.exit(asked_for_help);
    return flush();
  } catch (const CLI::RuntimeError& stopped) {
    std::cout.flush();
    return stopped.get_exit_code();
  } catch (const CLI::ValidationError& error) {
    return fail(error.what());
  } catch (const CLI::ParseError& error) {
    const auto commands = program.get_subcommands();
    return fail(error.what() + ("; riffle " + (commands.empty() ? "" : commands.front()->get_name() + " ")) +
                "--help says what is taken");
  } catch (const std::bad_alloc&) {
    return fail("not enough memory");
  } catch (const riffle::trainer::SharedError& error) {
    std::cout.flush();
    return riffle::tools::tells_for_all() ? fail(error.what()) : 1;
  } catch (const std::exception& error) {
    std::cout.flush();
    return fail(error.what());
  }
}

}  // namespace

int main(int argc, char** argv) { return riffle::tools::leave_ranks(run(argc, argv)); }
