// libFuzzer's mutator for .riffle files: finds every number, list and operand of the FlatBuffer by its schema, and
// changes one where it stands, so that the buffer verifies still. Now and then any bytes are changed.
#include <flatbuffers/flatbuffers.h>
#include <flatbuffers/reflection_generated.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <span>
#include <vector>

#include "base/files.hpp"
#include "riffle_generated.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using reflection::BaseType;

const reflection::Schema& schema() {
  static const std::vector<std::byte> bytes = riffle::read_file(RIFFLE_BINARY_SCHEMA, 1 << 20);
  return *reflection::GetSchema(bytes.data());
}

std::size_t size_of(BaseType type) {
  switch (type) {
    case reflection::UType:
    case reflection::Bool:
    case reflection::Byte:
    case reflection::UByte:
      return 1;
    case reflection::Short:
    case reflection::UShort:
      return 2;
    case reflection::Int:
    case reflection::UInt:
    case reflection::Float:
      return 4;
    case reflection::Long:
    case reflection::ULong:
    case reflection::Double:
      return 8;
    default:
      return 0;
  }
}

/// What can be changed in place.
struct Places {
  struct Number {
    std::uint8_t* at;
    BaseType type;
  };
  std::vector<Number> numbers;
  std::vector<std::uint8_t*> lists;     ///< at the length, of anything
  std::vector<std::uint8_t*> operands;  ///< at an offset of a table in a list, or in a table
  std::set<std::uint8_t*> seen;
};

void find_in_table(std::uint8_t* table, const reflection::Object& object, Places& places);

void find_in_struct(std::uint8_t* at, const reflection::Object& object, Places& places) {
  for (const reflection::Field* field : *object.fields()) {
    places.numbers.push_back({at + field->offset(), field->type()->base_type()});
  }
}

std::uint8_t* behind(std::uint8_t* offset) { return offset + flatbuffers::ReadScalar<flatbuffers::uoffset_t>(offset); }

void find_in_list(std::uint8_t* list, const reflection::Type& type, Places& places) {
  constexpr std::uint32_t most = 64;  // of numbers: weights are many and all alike
  places.lists.push_back(list);
  const auto count = flatbuffers::ReadScalar<flatbuffers::uoffset_t>(list);
  std::uint8_t* const first = list + sizeof(flatbuffers::uoffset_t);
  if (type.element() == reflection::Obj) {
    for (std::uint32_t i = 0; i < count; ++i) {
      places.operands.push_back(first + 4 * i);
      find_in_table(behind(first + 4 * i), *schema().objects()->Get(static_cast<unsigned>(type.index())), places);
    }
  } else if (type.element() == reflection::String) {
    for (std::uint32_t i = 0; i < count; ++i) places.lists.push_back(behind(first + 4 * i));
  } else {
    const std::size_t size = size_of(type.element());
    for (std::uint32_t i = 0; i < count && i < most; ++i) places.numbers.push_back({first + size * i, type.element()});
  }
}

void find_in_table(std::uint8_t* table, const reflection::Object& object, Places& places) {
  if (!places.seen.insert(table).second) return;
  const auto* const read = reinterpret_cast<const flatbuffers::Table*>(table);
  for (const reflection::Field* field : *object.fields()) {
    const flatbuffers::voffset_t offset = read->GetOptionalFieldOffset(field->offset());
    if (offset == 0) continue;
    std::uint8_t* const at = table + offset;
    const reflection::Type& type = *field->type();
    const auto objects = [&](int index) -> const reflection::Object& {
      return *schema().objects()->Get(static_cast<unsigned>(index));
    };
    switch (type.base_type()) {
      case reflection::UType:
        break;  // what is of another type would not verify
      case reflection::String:
        places.lists.push_back(behind(at));
        break;
      case reflection::Vector:
        find_in_list(behind(at), type, places);
        break;
      case reflection::Obj:
        if (objects(type.index()).is_struct()) {
          find_in_struct(at, objects(type.index()), places);
        } else {
          places.operands.push_back(at);
          find_in_table(behind(at), objects(type.index()), places);
        }
        break;
      case reflection::Union: {
        const auto chosen = read->GetField<std::uint8_t>(static_cast<flatbuffers::voffset_t>(field->offset() - 2), 0);
        const reflection::Enum& all = *schema().enums()->Get(static_cast<unsigned>(type.index()));
        for (const reflection::EnumVal* one : *all.values()) {
          if (one->value() != chosen || chosen == 0) continue;
          find_in_table(behind(at), objects(one->union_type()->index()), places);
        }
        break;
      }
      default:
        places.numbers.push_back({at, type.base_type()});
        break;
    }
  }
}

void change_number(const Places::Number& number, const Places& places, std::minstd_rand& random) {
  const std::size_t size = size_of(number.type);
  if (size == 0) return;
  if (random() % 4 == 0) {  // that of another place
    const Places::Number& other = places.numbers[random() % places.numbers.size()];
    if (size_of(other.type) == size) std::memcpy(number.at, other.at, size);
    return;
  }
  if (number.type == reflection::Float) {
    constexpr float unusual[] = {0.0F, -0.0F, 1.0F, -1.0F, 1e30F, 1e-40F, __builtin_inff(), __builtin_nanf("")};
    return flatbuffers::WriteScalar(number.at, unusual[random() % std::size(unusual)]);
  }
  constexpr std::int64_t unusual[] = {-1, 0, 1, 2, 3, 4, 8, 255, 1 << 15, (1 << 15) + 1, INT32_MAX, INT32_MIN};
  std::int64_t value = 0;
  std::memcpy(&value, number.at, size);
  value =
      random() % 2 == 0 ? value + 1 - static_cast<std::int64_t>(random() % 3) : unusual[random() % std::size(unusual)];
  std::memcpy(number.at, &value, size);
}

void change(const Places& places, std::minstd_rand& random) {
  const auto any = [&](const auto& list) { return list[random() % list.size()]; };
  switch (random() % 6) {
    case 0:  // a shorter list
      if (!places.lists.empty()) {
        std::uint8_t* const list = any(places.lists);
        const auto count = flatbuffers::ReadScalar<flatbuffers::uoffset_t>(list);
        if (count > 0) flatbuffers::WriteScalar(list, count - 1);
      }
      break;
    case 1:  // the same table in two places; tables of another kind would not verify, and most lists are of one kind
      if (!places.operands.empty()) {
        std::uint8_t *const at = any(places.operands), *const other = behind(any(places.operands));
        if (other > at) flatbuffers::WriteScalar(at, static_cast<flatbuffers::uoffset_t>(other - at));
      }
      break;
    default:
      if (!places.numbers.empty()) change_number(any(places.numbers), places, random);
      break;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
  std::minstd_rand random(seed);
  const auto verifies = [&] {
    flatbuffers::Verifier verifier(data, size);
    return riffle::fbs::VerifyModelBuffer(verifier);
  };
  if (random() % 16 == 0 || !verifies()) return LLVMFuzzerMutate(data, size, max_size);
  const std::vector<std::uint8_t> before(data, data + size);
  Places places;
  find_in_table(behind(data), *schema().root_table(), places);
  for (std::uint_fast32_t changes = 1 + random() % 3; changes > 0; --changes) change(places, random);
  if (verifies()) return size;
  std::memcpy(data, before.data(), size);
  return LLVMFuzzerMutate(data, size, max_size);
}
