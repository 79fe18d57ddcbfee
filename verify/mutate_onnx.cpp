// libFuzzer's mutator for ONNX files: takes the protobuf apart into its fields, changes one, and puts it together, so
// that it is a protobuf still. What the fields mean it does not know; most that it makes are models with one oddity.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

/// A field as the wire has it: its number and type, a number, or bytes, which may be a message again.
struct Field {
  std::uint64_t key = 0;
  std::uint64_t number = 0;
  std::string bytes;
  std::vector<Field> message;  ///< where `bytes` are one: instead of them
};

enum Wire : std::uint64_t { varint = 0, fixed64 = 1, length = 2, fixed32 = 5 };
Wire wire_of(const Field& field) { return static_cast<Wire>(field.key & 7); }

std::optional<std::uint64_t> take_varint(std::string_view& text) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !text.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(text.front());
    text.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<std::vector<Field>> parse(std::string_view text, int depth) {
  constexpr int deepest = 12;
  if (depth > deepest) return std::nullopt;
  std::vector<Field> fields;
  while (!text.empty()) {
    Field& field = fields.emplace_back();
    const auto key = take_varint(text);
    if (!key || *key >> 3 == 0 || *key >> 3 > 512) return std::nullopt;
    field.key = *key;
    std::size_t size = wire_of(field) == fixed64 ? 8 : 4;
    switch (wire_of(field)) {
      case varint: {
        const auto value = take_varint(text);
        if (!value) return std::nullopt;
        field.number = *value;
        continue;
      }
      case length: {
        const auto value = take_varint(text);
        if (!value || *value > text.size()) return std::nullopt;
        size = *value;
        break;
      }
      case fixed32:
      case fixed64:
        break;
      default:
        return std::nullopt;
    }
    if (size > text.size()) return std::nullopt;
    field.bytes = text.substr(0, size);
    text.remove_prefix(size);
    if (wire_of(field) != length) continue;
    if (auto message = parse(field.bytes, depth + 1); message && !message->empty()) {
      field.message = std::move(*message);
      field.bytes.clear();
    }
  }
  return fields;
}

void put_varint(std::uint64_t value, std::string& to) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<char>(value | 0x80));
  to.push_back(static_cast<char>(value));
}

std::string serialised(const std::vector<Field>& fields) {
  std::string text;
  for (const Field& field : fields) {
    put_varint(field.key, text);
    if (wire_of(field) == varint) put_varint(field.number, text);
    const std::string message = field.message.empty() ? field.bytes : serialised(field.message);
    if (wire_of(field) == length) put_varint(message.size(), text);
    text += message;
  }
  return text;
}

/// Every message that is not a field's alone, the outermost first.
void collect(std::vector<Field>& fields, std::vector<std::vector<Field>*>& all) {
  all.push_back(&fields);
  for (Field& field : fields) {
    if (!field.message.empty()) collect(field.message, all);
  }
}

void change_leaf(Field& field, std::minstd_rand& random) {
  if (wire_of(field) == varint) {
    constexpr std::uint64_t unusual[] = {0, 1, 2, 3, 7, 8, 11, 1 << 15, 1ULL << 31, ~0ULL, ~1ULL, 1ULL << 62};
    switch (random() % 3) {
      case 0:
        field.number += random() % 2 == 0 ? 1 : ~0ULL;
        break;
      case 1:
        field.number = random() % 16;
        break;
      default:
        field.number = unusual[random() % std::size(unusual)];
        break;
    }
    return;
  }
  const std::size_t size = field.bytes.size(), room = wire_of(field) == length ? size + 16 : size;
  field.bytes.resize(room);
  const std::size_t now = LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(field.bytes.data()), size, room);
  field.bytes.resize(wire_of(field) == length ? now : size);
}

void change(std::vector<Field>& model, std::minstd_rand& random) {
  std::vector<std::vector<Field>*> messages;
  collect(model, messages);
  const auto any = [&](auto& list) -> auto& { return list[random() % list.size()]; };
  std::vector<Field>& message = *any(messages);
  const std::size_t at = random() % message.size();
  switch (random() % 8) {
    case 0:  // left out
      if (message.size() > 1) message.erase(message.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 1:  // twice
      message.push_back(Field(message[at]));
      break;
    case 2:  // in another order
      std::swap(message[at], any(message));
      break;
    case 3: {  // what stands elsewhere under the same number: an operand, an attribute, an extent
      std::vector<Field>& other = *any(messages);
      for (const Field& field : std::vector<Field>(other)) {
        if (field.key == message[at].key) message[at] = field;
      }
      break;
    }
    default:
      if (message[at].message.empty()) change_leaf(message[at], random);
      break;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
  std::minstd_rand random(seed);
  auto model = parse({reinterpret_cast<const char*>(data), size}, 0);
  if (!model || model->empty() || random() % 16 == 0) return LLVMFuzzerMutate(data, size, max_size);
  for (std::uint_fast32_t changes = 1 + random() % 3; changes > 0 && !model->empty(); --changes) change(*model, random);
  const std::string text = serialised(*model);
  if (text.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, text.data(), text.size());
  return text.size();
}
