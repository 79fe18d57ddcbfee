#include "trainer/data/dataset.hpp"

#include "trainer/data/checksum.hpp"

namespace riffle::trainer {

std::uint32_t Dataset::checksum() const {
  Checksum sum;
  io::Picture picture;
  for (std::int64_t i = 0; i < size(); ++i) {
    read(i, picture);
    for (const std::int64_t number : {label(i), picture.width, picture.height, picture.channels}) sum.add(number);
    sum.add(std::as_bytes(std::span(picture.pixels)));
  }
  return sum.value();
}

}  // namespace riffle::trainer
