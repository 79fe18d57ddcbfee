#include "io/resample.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>

#include "io/picture_codec.hpp"

namespace riffle::io {
namespace {

constexpr int weight_bits = 22;  // a sum of weighted bytes stays within 31
constexpr std::int32_t half = 1 << (weight_bits - 1);

std::uint8_t rounded(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> weight_bits, 0, 255)); }

/// Half of it, rounded to the even one of two neighbours, as Python does.
std::int64_t halved(std::int64_t value) { return value / 2 + (value % 4 == 3 ? 1 : 0); }

/// The upright picture's pixel (y, x) is at first + y * step_y + x * step_x.
struct Upright {
  const std::uint8_t* first;
  std::ptrdiff_t step_x, step_y;

  explicit Upright(const Picture& picture)
      : first(picture.pixels.data()), step_x(picture.channels), step_y(step_x * picture.width) {
    const auto reverse = [&](std::ptrdiff_t& step, std::int32_t count) {
      first += (count - 1) * step;
      step = -step;
    };
    const std::int32_t rotation = picture.orientation.rotation;
    if (rotation == 90 || rotation == 180) reverse(step_y, picture.height);
    if (rotation == 180 || rotation == 270) reverse(step_x, picture.width);
    if (picture.on_its_side()) std::swap(step_x, step_y);
    if (picture.orientation.mirrored) reverse(step_x, picture.upright_width());
  }
};

}  // namespace

ResizeTarget stretched(std::int32_t height, std::int32_t width) { return {height, width, 0, 0, height, width}; }

ResizeTarget cropped(std::int32_t picture_height, std::int32_t picture_width, std::int32_t size, std::int32_t height,
                     std::int32_t width) {
  assert(size >= height && size >= width);
  const bool wide = picture_width > picture_height;
  const std::int64_t shorter = std::min(picture_height, picture_width),
                     longer = std::max(picture_height, picture_width);
  const std::int64_t resized = size * longer / shorter;
  ResizeTarget target = {
      .height = wide ? size : resized, .width = wide ? resized : size, .rows = height, .columns = width};
  target.top = halved(target.height - height);
  target.left = halved(target.width - width);
  return target;
}

void Resampler::make(Taps& taps, std::int32_t in, std::int64_t out, std::int64_t first, std::int32_t count,
                     bool antialias) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double support = antialias ? std::max(scale, 1.0) : 1.0;
  taps.most = static_cast<std::int32_t>(std::ceil(support)) * 2 + 1;
  taps.first.clear();
  taps.count.clear();
  taps.weights.assign(static_cast<std::size_t>(taps.most) * static_cast<std::size_t>(count), 0);
  for (std::int32_t x = 0; x < count; ++x) {
    const double centre = (static_cast<double>(first + x) + 0.5) * scale;
    const auto begin = std::max(static_cast<std::int32_t>(centre - support + 0.5), 0);
    const auto end = std::min(static_cast<std::int32_t>(centre + support + 0.5), in);
    const double inverse = 1.0 / support;
    const auto weight = [&](std::int32_t s) { return std::max(1.0 - std::abs((s - centre + 0.5) * inverse), 0.0); };
    double sum = 0;
    for (std::int32_t s = begin; s < end; ++s) sum += weight(s);
    std::int32_t* const weights = taps.weights.data() + static_cast<std::ptrdiff_t>(taps.most) * x;
    for (std::int32_t s = begin; s < end; ++s) {
      weights[s - begin] = static_cast<std::int32_t>(0.5 + weight(s) / sum * (1 << weight_bits));
    }
    taps.first.push_back(begin);
    taps.count.push_back(end - begin);
  }
}

/// Into row_. `from`: the picture's row; `step`: bytes from a pixel to the next.
template <int Channels>
void Resampler::resample_row(const std::uint8_t* from, std::ptrdiff_t step) {
  std::uint8_t* to = row_.data();
  for (std::size_t x = 0; x < across_.first.size(); ++x) {
    std::int32_t sums[Channels];
    std::fill_n(sums, Channels, half);
    const std::int32_t* const weights = across_.of(x);
    const std::uint8_t* pixel = from + across_.first[x] * step;
    for (std::int32_t k = 0; k < across_.count[x]; ++k, pixel += step) {
      for (int c = 0; c < Channels; ++c) sums[c] += weights[k] * pixel[c];
    }
    for (int c = 0; c < Channels; ++c) *to++ = rounded(sums[c]);
  }
}

const Picture& Resampler::operator()(const Picture& picture, const ResizeTarget& target, bool antialias) {
  assert(picture.channels == 1 || picture.channels == 3);
  make(across_, picture.upright_width(), target.width, target.left, target.columns, antialias);
  make(down_, picture.upright_height(), target.height, target.top, target.rows, antialias);
  const Upright upright(picture);
  const std::size_t row_size = static_cast<std::size_t>(target.columns) * static_cast<std::size_t>(picture.channels);
  const auto rows = static_cast<std::size_t>(target.rows);
  row_.resize(row_size);
  sums_.assign(row_size * rows, half);

  // Each row of the picture is resized once and added to the rows of the window that it is a part of: [first, ...).
  std::size_t first = 0;
  for (std::int32_t y = down_.first.front(); y < down_.first.back() + down_.count.back(); ++y) {
    while (down_.first[first] + down_.count[first] <= y) ++first;
    if (down_.first[first] > y) continue;
    const std::uint8_t* const from = upright.first + y * upright.step_y;
    picture.channels == 1 ? resample_row<1>(from, upright.step_x) : resample_row<3>(from, upright.step_x);
    for (std::size_t to = first; to < rows && down_.first[to] <= y; ++to) {
      const std::int32_t weight = down_.of(to)[y - down_.first[to]];
      std::int32_t* const sums = sums_.data() + to * row_size;
      for (std::size_t i = 0; i < row_size; ++i) sums[i] += weight * row_[i];
    }
  }

  window_.width = target.columns;
  window_.height = target.rows;
  window_.channels = picture.channels;
  window_.pixels.resize(sums_.size());
  std::ranges::transform(sums_, window_.pixels.begin(), rounded);
  return window_;
}

Picture upright(Picture picture) {
  if (picture.orientation == Orientation{}) return picture;
  return Resampler()(picture, stretched(picture.upright_height(), picture.upright_width()), false);
}

Picture to_gray(Picture picture) {
  if (picture.channels == 1) return picture;
  const std::size_t count = picture.pixels.size() / 3;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* const color = picture.pixels.data() + 3 * i;
    picture.pixels[i] = luma(color[0], color[1], color[2]);
  }
  picture.pixels.resize(count);
  picture.channels = 1;
  return picture;
}

Picture cut_out(const Picture& picture, std::int32_t x0, std::int32_t y0, std::int32_t x1, std::int32_t y1) {
  assert(picture.orientation == Orientation{});
  Picture part = {x1 - x0, y1 - y0, picture.channels, {}};
  const auto row = static_cast<std::int64_t>(picture.width) * picture.channels;
  for (std::int32_t y = y0; y < y1; ++y) {
    const auto first = picture.pixels.begin() + y * row;
    part.pixels.insert(part.pixels.end(), first + static_cast<std::int64_t>(x0) * picture.channels,
                       first + static_cast<std::int64_t>(x1) * picture.channels);
  }
  return part;
}

}  // namespace riffle::io
