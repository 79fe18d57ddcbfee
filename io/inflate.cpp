#include "io/inflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "base/error.hpp"

namespace riffle::io {
namespace {

/// As zlib wants it: the window's 15 bits, 16 more for gzip, negative for no frame.
int window_bits(Packing packing) { return packing == Packing::gzip ? 15 + 16 : -15; }
constexpr std::size_t max_piece = std::numeric_limits<uInt>::max();

}  // namespace

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B};
}

struct Inflater::State {
  z_stream stream = {};
  std::span<const std::byte> rest;
  Packing packing;
  std::string name;
  bool ended = false;

  /// Gives zlib what it has not consumed yet, as much of it as its 32-bit count can say.
  void feed() {
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(rest.data()));  // zlib does not write there
    stream.avail_in = static_cast<uInt>(std::min(rest.size(), max_piece));
  }

  [[noreturn]] void fail(const char* what) const {
    throw Error(name + ": " + what + (packing == Packing::gzip ? " gzip data" : " deflate data"));
  }
};

Inflater::Inflater(std::span<const std::byte> packed, Packing packing, std::string name)
    : state_(new State{.rest = packed, .packing = packing, .name = std::move(name)}) {
  if (inflateInit2(&state_->stream, window_bits(packing)) != Z_OK) throw std::bad_alloc();
}

Inflater::~Inflater() { inflateEnd(&state_->stream); }

std::size_t Inflater::read(std::span<std::byte> target) {
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
      state.ended = state.rest.empty();
      if (!state.ended && (state.packing != Packing::gzip || inflateReset(&state.stream) != Z_OK))
        state.fail("corrupt");
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      state.fail("corrupt");
    } else if (state.rest.empty() && done < target.size()) {
      state.fail("truncated");
    }
  }
  return done;
}

}  // namespace riffle::io
