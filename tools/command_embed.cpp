// riffle embed: a model as C source, for a program without files.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/files.hpp"
#include "base/text.hpp"
#include "engine/format/format.hpp"
#include "io/model_file.hpp"
#include "tools/commands.hpp"
#include "tools/options.hpp"

namespace riffle::tools {
namespace {

constexpr std::int64_t max_model_bytes = std::int64_t{1} << 31;  // a .riffle file is no larger

struct Options {
  std::string model;
  std::string output;
  std::optional<std::string> name;
};

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_letter_or_digit(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }

/// Words that are taken, a space around each: by C and C++ of any version, by the header that is included, by
/// compilers' macros.
constexpr std::string_view taken_names =
    " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class "
    "co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype "
    "default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline "
    "int linux long main max_align_t mutable namespace new noexcept not not_eq NULL nullptr nullptr_t offsetof "
    "operator or or_eq private protected ptrdiff_t public register reinterpret_cast requires restrict return "
    "RIFFLE_ALIGNED short signed size_t sizeof static static_assert static_cast struct switch template this "
    "thread_local throw true try typedef typeid typename typeof typeof_unqual union unix unsigned using virtual "
    "void volatile wchar_t while xor xor_eq ";

/// A name of the file's, as C takes it: "nets/my-net.riffle" is my_net_riffle.
std::string name_of(const std::string& path) {
  std::string name;
  for (const char c : file_name(path)) {
    if (is_letter_or_digit(c) && c != '_') {
      name += c;
    } else if (!name.ends_with('_')) {
      name += '_';  // one for several: names with two belong to C++ itself
    }
  }
  while (name.ends_with('_')) name.pop_back();
  if (!name.empty() && is_letter(name.front()) && name.front() != '_') return name;
  return name.empty() || name.starts_with('_') ? "model" + name : "model_" + name;
}

void require_name(const std::string& name) {
  const auto refuse = [&](const std::string& why) {
    throw Error("--name: '" + name + "' " + why +
                "; a letter, and then letters, digits and single underscores will do");
  };
  if (name.empty() || !is_letter(name.front()) || !std::all_of(name.begin(), name.end(), is_letter_or_digit)) {
    refuse("is no name in C");
  }
  if (name.starts_with('_') || name.ends_with('_') || name.find("__") != std::string::npos) {
    refuse("is, or makes, a name that is reserved in C or C++");
  }
  if (taken_names.find(" " + name + " ") != std::string_view::npos) refuse("is taken in C or C++");
}

/// What stands between the quotes of an #include.
void require_includable(const std::string& header) {
  for (const char c : header) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ') {
      throw Error(header + ": C cannot include a file of this name; OUT is to have no quote, backslash or line break");
    }
  }
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
      "#if defined(__GNUC__)\n"
      "#define RIFFLE_ALIGNED __attribute__((aligned(64)))\n"
      "#elif defined(__cplusplus)\n"
      "#define RIFFLE_ALIGNED alignas(64)\n"
      "#else\n"
      "#define RIFFLE_ALIGNED _Alignas(64)\n"
      "#endif\n\n"
      "static const RIFFLE_ALIGNED unsigned long long " +
      name + "_words[] = {";
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
  text += "\n};\n\nconst void* const " + name + " = " + name + "_words;\nconst size_t " + name +
          "_size = " + std::to_string(bytes.size()) + ";\n";
  return text;
}

void embed(const Options& options) {
  if (!options.output.ends_with(".c")) throw Error(options.output + ": the name of the file to write ends in .c");
  const std::string header = options.output.substr(0, options.output.size() - 2) + ".h";
  require_another_file({"OUT", options.output}, {{"MODEL", options.model}});
  require_another_file({"OUT's header", header}, {{"MODEL", options.model}});
  require_includable(file_name(header));
  const std::string name = options.name.value_or(name_of(options.model));
  require_name(name);
  if (io::format_of(options.model) != io::ModelFormat::riffle) {
    throw Error(options.model + ": is not a .riffle file, which is what is embedded; riffle convert makes one of it");
  }
  (void)format::load_file(options.model);  // what is embedded can be loaded
  const std::vector<std::byte> bytes = read_file(options.model, max_model_bytes);
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
  command
      .add_option("OUT", options->output,
                  "The C file to write, its name ends in .c; a header, .h, is written beside it")
      ->required();
  command.add_option("--name", options->name, "The model's name in C; by default made of its file's: net_riffle");
  command.callback([options] { embed(*options); });
}

}  // namespace riffle::tools
