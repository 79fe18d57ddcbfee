// How stb_image is built here: PNG and JPEG from memory, with a limit on what it allocates.
#pragma once

#include <cstddef>

namespace riffle::tools {

/// The largest single allocation of this thread's next decoding, in bytes. stb_image trusts the lengths that a file
/// announces, and inflates a PNG for as long as its data lasts; the limit makes such a file fail.
void set_picture_allocation_limit(std::size_t bytes);

}  // namespace riffle::tools

#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#include <stb/stb_image.h>
