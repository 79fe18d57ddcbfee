#include <png.h>

#include <cstring>
#include <new>

#include "io/exif.hpp"
#include "io/picture_codec.hpp"
#include "io/resample.hpp"

namespace riffle::io {
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

/// What the eXIf chunk says, which may stand before or behind the pixels.
Orientation orientation_of(png_structp png, png_infop info) {
  png_unknown_chunkp chunks = nullptr;
  const int count = png_get_unknown_chunks(png, info, &chunks);
  if (count < 1) return {};
  return read_orientation(std::as_bytes(std::span(chunks[0].data, chunks[0].size)));
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
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_ALWAYS, reinterpret_cast<png_const_bytep>("eXIf"), 1);
    png_read_info(png, info);
  });
  const std::size_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  check_size(static_cast<std::int64_t>(width), static_cast<std::int64_t>(height), name);

  // Color is read as color, whatever it becomes.
  const bool color = (png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR) != 0;
  const std::size_t row_size = width * (color || channels == 3 ? 3 : 1);
  std::vector<std::uint8_t> pixels(row_size * height);
  escape.run([&] {
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    if (channels == 3 && !color) png_set_gray_to_rgb(png);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != row_size) png_error(png, "not an 8-bit picture");
    for (int pass = 0; pass < passes; ++pass) {
      for (std::size_t y = 0; y < height; ++y) png_read_row(png, pixels.data() + y * row_size, nullptr);
    }
    png_read_end(png, info);
  });
  Picture picture = {static_cast<std::int32_t>(width), static_cast<std::int32_t>(height), color ? 3 : channels,
                     std::move(pixels), orientation_of(png, info)};
  return channels == 1 ? to_gray(std::move(picture)) : picture;  // libpng's own conversion does not round
}

std::vector<std::byte> encode_png(const Picture& picture) {
  check_size(picture.width, picture.height, "encode_png");
  const std::size_t size = static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height) *
                           static_cast<std::size_t>(picture.channels);
  if ((picture.channels != 1 && picture.channels != 3) || picture.pixels.size() != size) {
    throw Error({"encode_png: ", picture.pixels.size(), " bytes are no picture of ", picture.width, "x", picture.height,
                 " pixels in ", picture.channels, " channels"});
  }
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = picture.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::byte> file(length);
  if (png_image_write_to_memory(&image, file.data(), &length, 0, picture.pixels.data(), 0, nullptr) == 0) {
    throw Error({"encode_png: ", image.message});
  }
  file.resize(length);
  return file;
}

}  // namespace riffle::io
