#include <png.h>

#include <cstring>
#include <new>

#include "tools/picture_codec.hpp"

namespace riffle::tools {
namespace {

struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;

  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

void on_error(png_structp png, png_const_charp message) {
  static_cast<Escape*>(png_get_error_ptr(png))->leave(message);
}

void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}

void read(png_structp png, png_bytep data, std::size_t size) {
  auto& rest = *static_cast<std::span<const std::byte>*>(png_get_io_ptr(png));
  if (size > rest.size()) png_error(png, "the file is truncated");
  std::memcpy(data, rest.data(), size);
  rest = rest.subspan(size);
}

/// Of whatever a PNG holds, 8 bits of gray or of red, green, blue.
void set_transformations(png_structp png, png_infop info, std::int32_t channels) {
  const bool color = (png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR) != 0;
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  if (channels == 3 && !color) png_set_gray_to_rgb(png);
  // JPEG's weights (ITU-R BT.601), in 1/100000; blue has what is left.
  if (channels == 1 && color) png_set_rgb_to_gray_fixed(png, PNG_ERROR_ACTION_NONE, 29900, 58700);
}

}  // namespace

Picture decode_png(std::span<const std::byte> file, std::int32_t channels, const std::string& name) {
  Escape escape(name);
  Reader reader;
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &escape, on_error, on_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) throw std::bad_alloc();
  png_structp png = reader.png;
  png_infop info = reader.info;

  escape.run([&] {
    png_set_read_fn(png, &file, read);
    png_set_benign_errors(png, 0);
    // Gamma and color profiles would change the pixels, texts could be bombs: only what makes the picture is read.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png, info);
  });
  const std::size_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  check_size(static_cast<std::int64_t>(width), static_cast<std::int64_t>(height), name);

  const std::size_t row_size = width * static_cast<std::size_t>(channels);
  std::vector<std::uint8_t> pixels(row_size * height);
  escape.run([&] {
    set_transformations(png, info, channels);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != row_size) png_error(png, "not an 8-bit picture");
    for (int pass = 0; pass < passes; ++pass) {
      for (std::size_t y = 0; y < height; ++y) png_read_row(png, pixels.data() + y * row_size, nullptr);
    }
    png_read_end(png, nullptr);
  });
  return {static_cast<std::int32_t>(width), static_cast<std::int32_t>(height), channels, std::move(pixels)};
}

}  // namespace riffle::tools
