#include "tests/encode.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
// It wants <cstdio> before it.
#include <jpeglib.h>

namespace riffle::tests {
namespace {

void append(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

void append_big_endian(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(value >> shift));
}

Bytes packed(const Bytes& plain, int window_bits) {
  z_stream stream = {};
  if (deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  Bytes result(deflateBound(&stream, plain.size()) + 64);
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::logic_error("deflate");
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

void append_chunk(Bytes& file, std::string_view type, const Bytes& data) {
  append_big_endian(file, static_cast<std::uint32_t>(data.size()));
  Bytes body = bytes_of(type);
  append(body, data);
  append(file, body);
  append_big_endian(file, static_cast<std::uint32_t>(
                              crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))));
}

}  // namespace

Bytes bytes_of(std::string_view text) {
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

Bytes npy(int version, std::string header, const Bytes& data) {
  const std::size_t lead = version == 1 ? 10 : 12;
  header.append(63 - (lead + header.size()) % 64, ' ');
  header += '\n';
  Bytes file = bytes_of("\x93NUMPY");
  file.push_back(static_cast<std::byte>(version));
  file.push_back(std::byte{0});
  for (std::size_t i = 0; i < lead - 8; ++i) file.push_back(static_cast<std::byte>(header.size() >> (8 * i)));
  append(file, bytes_of(header));
  append(file, data);
  return file;
}

Bytes float_bytes(std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  return {bytes.begin(), bytes.end()};
}

Bytes idx(std::uint8_t type, const std::vector<std::uint32_t>& shape, const Bytes& values) {
  Bytes file = {std::byte{0}, std::byte{0}, std::byte{type}, static_cast<std::byte>(shape.size())};
  for (const std::uint32_t size : shape) append_big_endian(file, size);
  append(file, values);
  return file;
}

Bytes gzip(const Bytes& plain) { return packed(plain, 15 + 16); }

Bytes png(const Png& png) {
  Bytes file = bytes_of("\x89PNG\r\n\x1A\n");
  Bytes header;
  append_big_endian(header, png.width);
  append_big_endian(header, png.height);
  for (const std::uint8_t value : {png.bit_depth, png.color, std::uint8_t{0}, std::uint8_t{0}, png.interlaced}) {
    header.push_back(std::byte{value});
  }
  append_chunk(file, "IHDR", header);
  for (const auto& [type, data] : png.chunks) append_chunk(file, type, data);
  append_chunk(file, "IDAT", packed(png.lines, 15));
  for (const auto& [type, data] : png.chunks_behind) append_chunk(file, type, data);
  append_chunk(file, "IEND", {});
  return file;
}

Bytes jpeg(const Jpeg& jpeg) {
  jpeg_error_mgr errors = {};
  jpeg_compress_struct encoder = {};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* encoded = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &encoded, &size);
  encoder.image_width = jpeg.width;
  encoder.image_height = jpeg.height;
  encoder.input_components = static_cast<int>(jpeg.color.size());
  encoder.in_color_space = jpeg.color.size() == 1 ? JCS_GRAYSCALE : jpeg.color.size() == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, 100, TRUE);
  encoder.arith_code = jpeg.arithmetic ? TRUE : FALSE;

  std::vector<jpeg_scan_info> script = {{1, {0}, 0, 0, 0, 0}};
  for (int i = 1; i < DCTSIZE2; ++i) {
    script.push_back({1, {0}, i, i, 0, 1});
    script.push_back({1, {0}, i, i, 1, 0});
  }
  if (jpeg.scans == Scans::progressive) jpeg_simple_progression(&encoder);
  std::vector<jpeg_scan_info> channels;
  for (int c = 0; c < encoder.input_components; ++c) channels.push_back({1, {c}, 0, DCTSIZE2 - 1, 0, 0});
  if (jpeg.scans == Scans::one_a_channel) {
    encoder.scan_info = channels.data();
    encoder.num_scans = static_cast<int>(channels.size());
  }
  if (jpeg.scans == Scans::one_a_bit) {
    encoder.scan_info = script.data();
    encoder.num_scans = static_cast<int>(script.size());
  }

  std::vector<std::uint8_t> line;
  for (std::uint32_t x = 0; x < jpeg.width; ++x) line.insert(line.end(), jpeg.color.begin(), jpeg.color.end());
  jpeg_start_compress(&encoder, TRUE);
  for (const Bytes& segment : jpeg.app1) {
    jpeg_write_marker(&encoder, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(segment.data()),
                      static_cast<unsigned int>(segment.size()));
  }
  for (std::uint32_t y = 0; y < jpeg.height; ++y) {
    JSAMPROW row = line.data();
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  const auto bytes = std::as_bytes(std::span(encoded, size));
  Bytes file(bytes.begin(), bytes.end());
  std::free(encoded);
  return file;
}

Bytes exif(std::uint16_t orientation, bool little_endian) {
  Bytes block = bytes_of(little_endian ? "II" : "MM");
  const auto append_number = [&](std::uint32_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      block.push_back(static_cast<std::byte>(value >> 8 * (little_endian ? i : size - 1 - i)));
    }
  };
  append_number(42, 2);
  append_number(8, 4);  // where the directory begins
  append_number(2, 2);  // entries: tag, type, count, value
  append_number(0x0100, 2), append_number(4, 2), append_number(1, 4), append_number(640, 4);
  append_number(0x0112, 2), append_number(3, 2), append_number(1, 4), append_number(orientation, 2);
  append_number(0, 2), append_number(0, 4);  // the rest of the value; no further directory
  return block;
}

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "riffle-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for temporary files");
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, const Bytes& bytes) const {
  std::ofstream file(path(name), std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw std::runtime_error(path(name) + ": cannot be written");
  return path(name);
}

std::vector<std::string> Folder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace riffle::tests
