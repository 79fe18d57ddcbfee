// Pictures with labels, one at a time by index.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/picture.hpp"

namespace riffle::trainer {

/// Immutable; any number of threads may read it. It holds at least one picture.
class Dataset {
 public:
  virtual ~Dataset() = default;
  [[nodiscard]] virtual std::int64_t size() const = 0;
  [[nodiscard]] virtual const std::vector<std::string>& classes() const = 0;  ///< names, by label
  [[nodiscard]] virtual std::int32_t channels() const = 0;                    ///< of every picture: 1 or 3
  [[nodiscard]] virtual std::int32_t label(std::int64_t index) const = 0;     ///< in [0, classes().size())

  /// Writes the picture into one that may hold another, whose memory is used again. Throws Error naming the file for a
  /// picture that cannot be read.
  virtual void read(std::int64_t index, io::Picture& picture) const = 0;

  /// Of the pictures, their order and their labels: two sets of another checksum are not the same, two of the same most
  /// likely are. Reads every picture, unless a kind of dataset knows a shorter way. Throws Error as read() does.
  [[nodiscard]] virtual std::uint32_t checksum() const;

  [[nodiscard]] io::Picture picture(std::int64_t index) const {
    io::Picture picture;
    read(index, picture);
    return picture;
  }

 protected:
  Dataset() = default;
  Dataset(const Dataset&) = default;
  Dataset& operator=(const Dataset&) = default;
};

}  // namespace riffle::trainer
