#include "io/zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "base/error.hpp"
#include "io/inflate.hpp"

namespace riffle::io {
namespace {

// An archive: files, each behind a header of its own; the directory, which has all headers again, with where the files
// begin; the end, which says where the directory is. The files' own headers do not count: a size in them may be left
// open. Numbers are little-endian.
constexpr std::uint32_t file_signature = 0x04034B50, directory_signature = 0x02014B50, end_signature = 0x06054B50;
// Zip64 repeats the end with wider numbers, and says before the end where. In a directory's header a number that does
// not fit is all ones, and stands in an extra field of this kind.
constexpr std::uint32_t end64_signature = 0x06064B50, locator_signature = 0x07064B50;
constexpr std::uint16_t zip64_extra = 1;
constexpr std::uint64_t all_ones = 0xFFFFFFFF;

constexpr std::uint64_t end_bytes = 22, locator_bytes = 20;
constexpr std::uint16_t stored = 0, deflated = 8;
constexpr std::uint16_t encrypted_flags = 1 | 1 << 6 | 1 << 13, utf8_flag = 1 << 11;

/// Reads one thing behind the other. What is not there is an Error.
class Cursor {
 public:
  /// `archive` is its name.
  Cursor(std::span<const std::byte> bytes, const std::string& archive) : rest_(bytes), archive_(archive) {}

  std::span<const std::byte> bytes(std::uint64_t count) {
    if (count > rest_.size()) fail("something in it is cut off");
    const auto taken = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  template <class Number>
  Number number() {
    Number value = 0;
    const auto taken = bytes(sizeof value);
    for (std::size_t i = 0; i < taken.size(); ++i) {
      value = static_cast<Number>(value | std::to_integer<Number>(taken[i]) << (8 * i));
    }
    return value;
  }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  std::string text(std::size_t count) {
    const auto taken = bytes(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

  void expect(std::uint32_t signature) {
    if (u32() != signature) fail("a header is not where it should be");
  }
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[noreturn]] void fail(const std::string& what) const { throw Error(archive_ + ": a damaged zip archive: " + what); }

 private:
  std::span<const std::byte> rest_;
  const std::string& archive_;
};

/// What both headers of a file have in common.
struct FileHeader {
  std::uint16_t flags, method;
  std::uint32_t checksum;
  std::uint64_t packed_size, size;
  std::uint16_t name_length, extra_length;
};

FileHeader read_file_header(Cursor& at) {
  FileHeader header = {};
  at.u16();  // the version that is needed
  header.flags = at.u16();
  header.method = at.u16();
  at.u32();  // time and date
  header.checksum = at.u32();
  header.packed_size = at.u32();
  header.size = at.u32();
  header.name_length = at.u16();
  header.extra_length = at.u16();
  return header;
}

/// The numbers that are all ones stand in the extra field, in this order.
void widen(std::initializer_list<std::uint64_t*> numbers, Cursor extra, const std::string& archive) {
  while (!extra.empty()) {
    const std::uint16_t kind = extra.u16();
    Cursor field(extra.bytes(extra.u16()), archive);
    if (kind != zip64_extra) continue;
    for (std::uint64_t* number : numbers) {
      if (*number == all_ones) *number = field.u64();
    }
    return;
  }
}

/// The end is the last there is, but for a comment, whose length it says.
std::size_t find_end(std::span<const std::byte> archive, const std::string& name) {
  for (std::size_t comment = 0; comment <= 0xFFFF && comment + end_bytes <= archive.size(); ++comment) {
    const std::size_t first = archive.size() - end_bytes - comment;
    Cursor at(archive.subspan(first), name);
    if (at.u32() != end_signature) continue;
    at.bytes(end_bytes - sizeof(std::uint32_t) - sizeof(std::uint16_t));
    if (at.u16() == comment) return first;
  }
  throw Error(name + ": not a zip archive, or cut off");
}

struct Directory {
  std::span<const std::byte> bytes;
  std::uint64_t first = 0;  ///< in the archive
  std::uint64_t count = 0;  ///< of files
};

Directory find_directory(std::span<const std::byte> archive, const std::string& name) {
  std::size_t end = find_end(archive, name);
  Cursor at(archive.subspan(end), name);
  at.expect(end_signature);
  at.bytes(6);  // numbers of disks, and the files of this one
  std::uint64_t count = at.u16(), size = at.u32(), first = at.u32();

  if (end >= locator_bytes) {
    Cursor locator(archive.subspan(end - locator_bytes), name);
    if (locator.u32() == locator_signature) {
      locator.u32();  // a disk
      const std::uint64_t end64 = locator.u64();
      if (end64 > end) locator.fail("its end is not where it should be");
      end = static_cast<std::size_t>(end64);
      Cursor wide(archive.subspan(end), name);
      wide.expect(end64_signature);
      wide.bytes(28);  // its own size, versions, disks, the files of this disk
      count = wide.u64();
      size = wide.u64();
      first = wide.u64();
    }
  }
  if (size > end || first != end - size) at.fail("its directory does not stand before its end");
  return {archive.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(size)), first, count};
}

std::uint32_t checksum_of(std::span<const std::byte> bytes, std::uint32_t before = 0) {
  uLong sum = before;
  while (!bytes.empty()) {
    const std::size_t count = std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max());
    sum = crc32(sum, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(count));
    bytes = bytes.subspan(count);
  }
  return static_cast<std::uint32_t>(sum);
}

template <class Number>
void append(std::vector<std::byte>& to, std::initializer_list<Number> numbers) {
  for (const Number number : numbers) {
    for (std::size_t i = 0; i < sizeof number; ++i) to.push_back(static_cast<std::byte>(number >> (8 * i)));
  }
}
void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

ZipReader::ZipReader(std::span<const std::byte> archive, std::string name) : name_(std::move(name)) {
  const Directory directory = find_directory(archive, name_);
  Cursor at(directory.bytes, name_);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;  // of files: begin, end
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    at.expect(directory_signature);
    at.u16();  // the version that made it
    FileHeader header = read_file_header(at);
    const std::uint16_t comment_length = at.u16();
    at.bytes(8);  // a disk, attributes
    std::uint64_t first = at.u32();
    const std::string file = at.text(header.name_length);
    widen({&header.size, &header.packed_size, &first}, Cursor(at.bytes(header.extra_length), name_), name_);
    at.bytes(comment_length);

    if (first > directory.first) at.fail("'" + file + "' begins behind its end");
    const auto files = archive.first(static_cast<std::size_t>(directory.first));
    Cursor local(files.subspan(static_cast<std::size_t>(first)), name_);
    local.expect(file_signature);
    const FileHeader own = read_file_header(local);
    if (local.text(own.name_length) != file) at.fail("'" + file + "' has another name where it is");
    local.bytes(own.extra_length);
    const auto packed = local.bytes(header.packed_size);
    places.emplace_back(first, static_cast<std::uint64_t>(packed.data() + packed.size() - archive.data()));
    if (!files_.try_emplace(file, File{packed, header.size, header.checksum, header.flags, header.method}).second) {
      at.fail("'" + file + "' is there twice");
    }
  }
  if (!at.empty()) at.fail("its directory is longer than it says");
  std::sort(places.begin(), places.end());
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (places[i].first < places[i - 1].second) at.fail("its files overlap");
  }
}

std::vector<std::string> ZipReader::names() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : files_) names.push_back(name);
  return names;
}

std::vector<std::byte> ZipReader::read(const std::string& file) const {
  const std::string where = name_ + ": '" + file + "'";
  const auto found = files_.find(file);
  if (found == files_.end()) throw Error(where + " is not there");
  const auto& [packed, size, checksum, flags, method] = found->second;
  if ((flags & encrypted_flags) != 0) throw Error(where + " is encrypted");
  if (method != stored && method != deflated) {
    throw Error(where + " is packed by method " + std::to_string(method) + "; 0 (stored) and 8 (deflate) can be read");
  }
  const bool possible = method == stored ? size == packed.size() : size <= packed.size() * max_inflation;
  if (!possible) {
    throw Error(where + " claims to have " + std::to_string(size) + " bytes, which its " +
                std::to_string(packed.size()) + " packed ones cannot become");
  }
  if (size > std::numeric_limits<std::ptrdiff_t>::max()) throw std::bad_alloc();
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  if (method == stored) {
    std::copy(packed.begin(), packed.end(), bytes.begin());
  } else {
    Inflater inflater(packed, Packing::deflate, where);
    std::byte behind[1];
    if (inflater.read(bytes) < bytes.size() || inflater.read(behind) != 0) {
      throw Error(where + " does not have the " + std::to_string(size) + " bytes that it claims to have");
    }
  }
  if (checksum_of(bytes) != checksum) throw Error(where + " is damaged: its checksum is another one");
  return bytes;
}

void ZipWriter::add(const std::string& file, std::initializer_list<std::span<const std::byte>> parts) {
  std::uint64_t size = 0;
  std::uint32_t checksum = 0;
  for (const std::span<const std::byte> part : parts) {
    size += part.size();
    checksum = checksum_of(part, checksum);
  }
  const std::uint64_t first = archive_.size();
  if (file.size() > 0xFFFF) throw Error(name_ + ": '" + file + "': the name is too long for a zip archive");
  // With the directory and the end, in which no number may be all ones.
  const std::uint64_t headers = 30 + 46 + 2 * file.size();
  if (count_ >= 0xFFFE || first + directory_.size() + size + headers + end_bytes >= all_ones) {
    throw Error(name_ + ": '" + file + "': it is more than a zip archive holds");
  }
  std::vector<std::byte> header;
  append<std::uint16_t>(header, {20, utf8_flag, stored, 0, 1 << 5 | 1});  // version; 1 January 1980
  append<std::uint32_t>(header, {checksum, static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(size)});
  append<std::uint16_t>(header, {static_cast<std::uint16_t>(file.size()), 0});

  const auto name = std::as_bytes(std::span(file));
  append(archive_, {file_signature});
  append(archive_, header);
  append(archive_, name);
  for (const std::span<const std::byte> part : parts) append(archive_, part);

  append(directory_, {directory_signature});
  append<std::uint16_t>(directory_, {20});
  append(directory_, header);
  append<std::uint16_t>(directory_, {0, 0, 0, 0, 0});  // comment, disk, attributes
  append(directory_, {static_cast<std::uint32_t>(first)});
  append(directory_, name);
  ++count_;
}

std::vector<std::byte> ZipWriter::finish() {
  const auto first = static_cast<std::uint32_t>(archive_.size()), size = static_cast<std::uint32_t>(directory_.size());
  const auto count = static_cast<std::uint16_t>(count_);
  append(archive_, directory_);
  append(archive_, {end_signature});
  append<std::uint16_t>(archive_, {0, 0, count, count});
  append(archive_, {size, first});
  append<std::uint16_t>(archive_, {0});
  return std::move(archive_);
}

}  // namespace riffle::io
