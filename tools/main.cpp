// riffle, the command line. Exit code 0; 1 with one line on the standard error stream that says what is wrong; 128 and
// the signal's number where a signal stopped a run that can go on.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <new>

#include "tools/commands.hpp"

namespace {

int fail(const std::string& message) {
  std::cerr << "riffle: " << message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  // A file that grows beyond what the shell allows (ulimit -f) is an error of the write, not the program's end.
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App program("CPU inference for the ShuffleNet family", "riffle");
  program.set_version_flag("--version", RIFFLE_VERSION);
  program.require_subcommand(0, 1);  // with 1, a misspelt command would only be told that there is none
  try {
    for (const auto add : {
             riffle::tools::add_build,
             riffle::tools::add_convert,
             riffle::tools::add_embed,
             riffle::tools::add_run,
             riffle::tools::add_classify,
             riffle::tools::add_inspect,
             riffle::tools::add_bench,
#ifdef RIFFLE_TRAINER
             riffle::tools::add_train,
#endif
         }) {
      add(program);
    }
    program.parse(argc, argv);
    if (program.get_subcommands().empty()) return fail("a command is needed; riffle --help lists them");
    if (!std::cout.flush()) return fail("the standard output cannot be written");
    return 0;
  } catch (const CLI::Success& asked_for_help) {
    return program.exit(asked_for_help);
  } catch (const CLI::RuntimeError& stopped) {
    std::cout.flush();
    return stopped.get_exit_code();
  } catch (const std::bad_alloc&) {
    return fail("not enough memory");
  } catch (const std::exception& error) {
    std::cout.flush();
    return fail(error.what());
  }
}
