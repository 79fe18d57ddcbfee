// Files for the readers' tests, made without the code under test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace riffle::tests {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::string_view text);

/// A .npy file of any version: magic, version, the length of `header` padded to 64, `header`, `data`.
Bytes npy(int version, std::string header, const Bytes& data);
Bytes float_bytes(std::span<const float> values);

/// An IDX file: type, sizes, values.
Bytes idx(std::uint8_t type, const std::vector<std::uint32_t>& shape, const Bytes& values);
Bytes gzip(const Bytes& plain);

/// What a PNG says of itself, and its scan lines (a filter byte, then the pixels, a row).
struct Png {
  std::uint32_t width = 1, height = 1;
  std::uint8_t bit_depth = 8;
  std::uint8_t color = 0;                                       ///< 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGBA
  std::uint8_t interlaced = 0;                                  ///< 1: the scan lines are those of Adam7's passes
  std::vector<std::pair<std::string_view, Bytes>> chunks = {};  ///< between header and pixels
  std::vector<std::pair<std::string_view, Bytes>> chunks_behind = {};
  Bytes lines = {};
};
Bytes png(const Png& png);

/// one_a_channel: sequential; one_a_bit: 127, for gray alone.
enum class Scans { one, one_a_channel, progressive, one_a_bit };
/// A JPEG of one color (of 1 channel gray, of 3 RGB, of 4 CMYK), the best quality.
struct Jpeg {
  std::uint32_t width = 8, height = 8;
  std::vector<std::uint8_t> color;
  Scans scans = Scans::one;
  bool arithmetic = false;
  std::vector<Bytes> app1 = {};  ///< segments APP1, in which EXIF is, behind "Exif\0\0"
};
Bytes jpeg(const Jpeg& jpeg);

/// An EXIF block of two entries, of which the second is the orientation.
Bytes exif(std::uint16_t orientation, bool little_endian = true);

/// A new folder for a test's files, removed with everything in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// Writes a file and returns its path.
  std::string write(const std::string& name, const Bytes& bytes) const;
  /// The names of the files in it, sorted.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::string path_;
};

}  // namespace riffle::tests
