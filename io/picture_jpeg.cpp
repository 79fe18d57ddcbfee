#include <cstdio>
// jpeglib.h wants <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <cstring>

#include "io/exif.hpp"
#include "io/picture_codec.hpp"

namespace riffle::io {
namespace {

/// A progressive JPEG has about ten; each costs a walk over the whole picture, however few bytes it takes.
constexpr int max_scans = 100;

/// libjpeg's state and, as its client data, what its handlers know.
struct Decompressor : jpeg_decompress_struct {
  explicit Decompressor(const std::string& name) : jpeg_decompress_struct{}, escape(name) { client_data = this; }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor() { jpeg_destroy_decompress(this); }

  Escape escape;
  bool header_read = false;
  bool ended = false;  ///< the file, before the marker that ends a JPEG
};

Decompressor& of(j_common_ptr jpeg) { return *static_cast<Decompressor*>(jpeg->client_data); }

void on_error(j_common_ptr jpeg) {
  char message[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, message);
  of(jpeg).escape.leave(message);
}

/// A warning (a negative level) says that pixels are missing or made up, but for two: that there are bytes too many,
/// which cameras write, and, behind the header, that the file has ended. libjpeg puts an end marker there: a scan that
/// still needs bits of it is warned of (JWRN_HIT_MARKER), a scan that is not there at all is not (expect_scans).
void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0 || jpeg->err->msg_code == JWRN_EXTRANEOUS_DATA) return;
  if (jpeg->err->msg_code != JWRN_JPEG_EOF || !of(jpeg).header_read) on_error(jpeg);
  of(jpeg).ended = true;
}

void on_progress(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > max_scans) {
    of(jpeg).escape.leave("a JPEG of too many scans");
  }
}

/// Once all rows are decoded. Throws Error unless each component has been in a scan (which is when it gets its table),
/// and, where the file has ended early, all of its coefficients to the last bit, as far as that is kept account of.
void expect_scans(const Decompressor& jpeg, const std::string& name) {
  for (int c = 0; c < jpeg.num_components; ++c) {
    bool complete = jpeg.comp_info[c].quant_table != nullptr;
    if (jpeg.ended && jpeg.coef_bits != nullptr) {
      complete = complete && std::ranges::all_of(jpeg.coef_bits[c], [](int missing) { return missing == 0; });
    }
    if (!complete) throw Error(name + ": cannot be decoded: the file ends before its last scan");
  }
}

/// What the first of the segments that are EXIF says.
Orientation orientation_of(const Decompressor& jpeg) {
  for (jpeg_saved_marker_ptr marker = jpeg.marker_list; marker != nullptr; marker = marker->next) {
    const auto data = std::as_bytes(std::span(marker->data, marker->data_length));
    if (data.size() >= 6 && std::memcmp(data.data(), "Exif\0", 6) == 0) return read_orientation(data);
  }
  return {};
}

/// Nearly all such JPEGs are Adobe's, which store the inks inverted: 255 is none.
std::vector<std::uint8_t> without_black(const std::vector<std::uint8_t>& cmyk, std::int32_t channels) {
  std::vector<std::uint8_t> pixels;
  pixels.reserve(cmyk.size() / 4 * static_cast<std::size_t>(channels));
  for (std::size_t i = 0; i < cmyk.size(); i += 4) {
    const auto light = [&](std::size_t c) { return (cmyk[i + c] * cmyk[i + 3] + 127) / 255; };
    const int red = light(0), green = light(1), blue = light(2);
    if (channels == 3) {
      for (const int value : {red, green, blue}) pixels.push_back(static_cast<std::uint8_t>(value));
    } else {
      pixels.push_back(luma(red, green, blue));
    }
  }
  return pixels;
}

}  // namespace

Picture decode_jpeg(std::span<const std::byte> file, std::int32_t channels, const std::string& name) {
  jpeg_error_mgr errors = {};
  jpeg_progress_mgr progress = {};
  progress.progress_monitor = on_progress;
  Decompressor jpeg(name);
  jpeg.err = jpeg_std_error(&errors);
  errors.error_exit = on_error;
  errors.emit_message = on_message;

  jpeg.escape.run([&] {
    jpeg_create_decompress(&jpeg);
    jpeg.progress = &progress;
    jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(file.data()), file.size());
    jpeg_save_markers(&jpeg, JPEG_APP0 + 1, 0xFFFF);  // EXIF's
    jpeg_read_header(&jpeg, TRUE);
    // No program writes it, and a few bytes of it are as much work as a whole picture.
    if (jpeg.arith_code) jpeg.escape.leave("a JPEG with arithmetic coding");
  });
  jpeg.header_read = true;
  check_size(jpeg.image_width, jpeg.image_height, name);

  const bool cmyk = jpeg.out_color_space == JCS_CMYK;
  if (!cmyk) jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  const std::size_t row_size = std::size_t{jpeg.image_width} * (cmyk ? 4 : static_cast<std::size_t>(channels));
  std::vector<std::uint8_t> pixels(row_size * jpeg.image_height);
  // It is not finished: nothing behind the last row matters.
  jpeg.escape.run([&] {
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < jpeg.output_height) {
      JSAMPROW row = pixels.data() + jpeg.output_scanline * row_size;
      jpeg_read_scanlines(&jpeg, &row, 1);
    }
  });
  expect_scans(jpeg, name);
  return {static_cast<std::int32_t>(jpeg.image_width), static_cast<std::int32_t>(jpeg.image_height), channels,
          cmyk ? without_black(pixels, channels) : std::move(pixels), orientation_of(jpeg)};
}

}  // namespace riffle::io
