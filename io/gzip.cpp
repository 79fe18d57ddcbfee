#include "io/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "engine/graph/graph.hpp"

namespace riffle::io {
namespace {

constexpr int gzip_window_bits = 15 + 16;
constexpr std::size_t max_piece = std::numeric_limits<uInt>::max();

}  // namespace

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B};
}

struct GzipReader::State {
  z_stream stream = {};
  std::span<const std::byte> rest;
  std::string name;
  bool ended = false;

  /// Gives zlib what it has not consumed yet, as much of it as its 32-bit count can say.
  void feed() {
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(rest.data()));  // zlib does not write there
    stream.avail_in = static_cast<uInt>(std::min(rest.size(), max_piece));
  }
};

GzipReader::GzipReader(std::span<const std::byte> compressed, std::string name) : state_(std::make_unique<State>()) {
  state_->rest = compressed;
  state_->name = std::move(name);
  if (inflateInit2(&state_->stream, gzip_window_bits) != Z_OK) throw std::bad_alloc();
}

GzipReader::~GzipReader() { inflateEnd(&state_->stream); }

std::size_t GzipReader::read(std::span<std::byte> target) {
  State& state = *state_;
  std::size_t done = 0;
  while (done < target.size() && !state.ended) {
    state.feed();
    const uInt offered = state.stream.avail_in;
    const auto room = static_cast<uInt>(std::min(target.size() - done, max_piece));
    state.stream.next_out = reinterpret_cast<Bytef*>(target.data() + done);
    state.stream.avail_out = room;
    const int result = inflate(&state.stream, Z_NO_FLUSH);
    done += room - state.stream.avail_out;
    state.rest = state.rest.subspan(offered - state.stream.avail_in);
    if (result == Z_STREAM_END) {
      if (state.rest.empty()) {
        state.ended = true;
      } else if (inflateReset(&state.stream) != Z_OK) {
        throw Error(state.name + ": corrupt gzip data");
      }
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      throw Error(state.name + ": corrupt gzip data");
    } else if (state.rest.empty() && done < target.size()) {
      throw Error(state.name + ": truncated gzip data");
    }
  }
  return done;
}

}  // namespace riffle::io
