#include <cstdio>
// jpeglib.h wants <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include "tools/picture_codec.hpp"

namespace riffle::tools {
namespace {

/// A progressive JPEG has about ten; each costs a walk over the whole picture, however few bytes it takes.
constexpr int max_scans = 100;

struct Decompressor : jpeg_decompress_struct {
  Decompressor() : jpeg_decompress_struct{} {}
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor() { jpeg_destroy_decompress(this); }
};

void on_error(j_common_ptr jpeg) {
  char message[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, message);
  static_cast<Escape*>(jpeg->client_data)->leave(message);
}

/// A warning (a negative level) says that pixels are missing or made up; but for bytes too many, which cameras write.
void on_message(j_common_ptr jpeg, int level) {
  if (level < 0 && jpeg->err->msg_code != JWRN_EXTRANEOUS_DATA) on_error(jpeg);
}

void on_progress(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > max_scans) {
    static_cast<Escape*>(jpeg->client_data)->leave("a JPEG of too many scans");
  }
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
      pixels.push_back(static_cast<std::uint8_t>((299 * red + 587 * green + 114 * blue + 500) / 1000));
    }
  }
  return pixels;
}

}  // namespace

Picture decode_jpeg(std::span<const std::byte> file, std::int32_t channels, const std::string& name) {
  Escape escape(name);
  jpeg_error_mgr errors = {};
  jpeg_progress_mgr progress = {};
  progress.progress_monitor = on_progress;
  Decompressor jpeg;
  jpeg.client_data = &escape;
  jpeg.err = jpeg_std_error(&errors);
  errors.error_exit = on_error;
  errors.emit_message = on_message;

  escape.run([&] {
    jpeg_create_decompress(&jpeg);
    jpeg.progress = &progress;
    jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(file.data()), file.size());
    jpeg_read_header(&jpeg, TRUE);
    // No program writes it, and a few bytes of it are as much work as a whole picture.
    if (jpeg.arith_code) escape.leave("a JPEG with arithmetic coding");
  });
  check_size(jpeg.image_width, jpeg.image_height, name);

  const bool cmyk = jpeg.out_color_space == JCS_CMYK;
  if (!cmyk) jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  const std::size_t row_size = std::size_t{jpeg.image_width} * (cmyk ? 4 : static_cast<std::size_t>(channels));
  std::vector<std::uint8_t> pixels(row_size * jpeg.image_height);
  escape.run([&] {
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < jpeg.output_height) {
      JSAMPROW row = pixels.data() + jpeg.output_scanline * row_size;
      jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
  });
  return {static_cast<std::int32_t>(jpeg.image_width), static_cast<std::int32_t>(jpeg.image_height), channels,
          cmyk ? without_black(pixels, channels) : std::move(pixels)};
}

}  // namespace riffle::tools
