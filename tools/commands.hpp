// The commands of the program, a file each. Each function adds its command to the program; the command runs while the
// arguments are parsed, prints to the standard output, and throws riffle::Error.
#pragma once

#include <CLI/CLI.hpp>

namespace riffle::tools {

void add_build(CLI::App& program);
void add_convert(CLI::App& program);
void add_run(CLI::App& program);
void add_classify(CLI::App& program);
void add_inspect(CLI::App& program);
void add_bench(CLI::App& program);

}  // namespace riffle::tools
