// The commands of the program, a file each. Each function adds its command to the program; the command runs while the
// arguments are parsed, prints to the standard output, and throws riffle::Error, or CLI::RuntimeError for another exit
// code.
#pragma once

#include <CLI/CLI.hpp>

namespace riffle::tools {

void add_build(CLI::App& program);
void add_convert(CLI::App& program);
void add_embed(CLI::App& program);
void add_quantize(CLI::App& program);
void add_run(CLI::App& program);
void add_classify(CLI::App& program);
void add_detect(CLI::App& program);
void add_landmarks(CLI::App& program);
void add_segment(CLI::App& program);
void add_inspect(CLI::App& program);
void add_bench(CLI::App& program);
void add_verify(CLI::App& program);
void add_train(CLI::App& program);  ///< with the trainer alone (RIFFLE_TRAINER)

}  // namespace riffle::tools
