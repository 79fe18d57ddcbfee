// EXIF: how a camera was held.
#pragma once

#include <cstddef>
#include <span>

#include "io/picture.hpp"

namespace riffle::io {

/// What the Orientation tag (0x0112) of the first directory says, in a TIFF block of either byte order, "Exif\0\0"
/// before it or not. A block that is damaged, or says nothing that EXIF knows, is one of a picture that is upright:
/// what it describes is there all the same.
Orientation read_orientation(std::span<const std::byte> exif);

}  // namespace riffle::io
