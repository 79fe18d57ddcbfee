// riffle embed: a model as C source, for a program without files.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <iostream>
#include <memory>
#include <span>
#include <vector>

#include "base/files.hpp"
#include "engine/format/format.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"
#include "tools/text.hpp"

namespace riffle::tools {
namespace {

constexpr std::int64_t max_model_bytes = std::int64_t{1} << 31;  // a .riffle file is no larger

struct Options {
  std::string model;
  std::string output;
  std::string name;
};

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_letter_or_digit(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }

/// The file's name with what C does not take in a name replaced: "nets/my-net.riffle" is my_net_riffle.
std::string name_of(const std::string& path) {
  std::string name = file_name(path);
  for (char& c : name) {
    if (!is_letter_or_digit(c)) c = '_';
  }
  return name.empty() || !is_letter(name.front()) ? "_" + name : name;
}

void require_name(const std::string& name) {
  bool fits = !name.empty() && is_letter(name.front());
  for (const char c : name) fits &= is_letter_or_digit(c);
  if (!fits) throw Error("--name: '" + name + "' is no name in C");
}

std::string header_text(const std::string& name) {
  return "/* A riffle model, for riffle_model_load_memory(). Written by riffle embed. */\n"
         "#ifndef RIFFLE_EMBED_" +
         name + "_H\n#define RIFFLE_EMBED_" + name +
         "_H\n\n"
         "#include <stddef.h>\n\n"
         "#ifdef __cplusplus\n"
         "extern \"C\" {\n"
         "#endif\n\n"
         "extern const void* const " +
         name + "; /* 64-byte aligned */\nextern const size_t " + name +
         "_size; /* bytes */\n\n"
         "#ifdef __cplusplus\n"
         "}\n"
         "#endif\n\n"
         "#endif\n";
}

/// Words of eight bytes: a compiler takes several times as long over as many single bytes.
std::string source_text(const std::string& name, const std::string& header, std::span<const std::byte> bytes) {
  std::string text =
      "/* A riffle model, in C99 for a little-endian machine. Written by riffle embed. */\n"
      "#include \"" +
      header +
      "\"\n\n"
      "#include <stdint.h>\n\n"
      "#if defined(__GNUC__)\n"
      "#define RIFFLE_ALIGNED __attribute__((aligned(64)))\n"
      "#elif defined(__cplusplus)\n"
      "#define RIFFLE_ALIGNED alignas(64)\n"
      "#else\n"
      "#define RIFFLE_ALIGNED _Alignas(64)\n"
      "#endif\n\n"
      "static const RIFFLE_ALIGNED uint64_t words[] = {";
  constexpr std::size_t words_a_line = 6, word_bytes = 8, most_letters = 20;
  text.reserve(text.size() + bytes.size() / word_bytes * most_letters + 512);
  for (std::size_t at = 0; at < bytes.size(); at += word_bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, &bytes[at], std::min(word_bytes, bytes.size() - at));
    std::array<char, 16> digits;
    const auto end = std::to_chars(digits.begin(), digits.end(), word, 16).ptr;
    text += at % (words_a_line * word_bytes) == 0 ? "\n  0x" : " 0x";
    text.append(digits.begin(), end);
    text += ',';
  }
  text += "\n};\n\nconst void* const " + name + " = words;\nconst size_t " + name +
          "_size = " + std::to_string(bytes.size()) + ";\n";
  return text;
}

void embed(const Options& options) {
  if (!options.output.ends_with(".c")) throw Error(options.output + ": the file to write ends with .c");
  const std::string name = options.name.empty() ? name_of(options.model) : options.name;
  require_name(name);
  (void)format::load_file(options.model);  // what is embedded can be loaded
  const std::vector<std::byte> bytes = read_file(options.model, max_model_bytes);
  const std::string header = options.output.substr(0, options.output.size() - 2) + ".h";
  const std::string header_content = header_text(name);
  const std::string source_content = source_text(name, file_name(header), bytes);
  write_file(header, {std::as_bytes(std::span(header_content))});
  write_file(options.output, {std::as_bytes(std::span(source_content))});
  std::cout << options.output << ", " << file_name(header) << ": " << name << ", " << bytes_text(std::ssize(bytes))
            << '\n';
}

}  // namespace

void add_embed(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("embed", "A .riffle model as C source");
  const auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "The .riffle file to embed")->required();
  command.add_option("OUT", options->output, "The .c file to write; a .h file is written beside it")->required();
  command.add_option("--name", options->name, "The array's name; by default made of the model's file name");
  command.callback([options] { embed(*options); });
}

}  // namespace riffle::tools
