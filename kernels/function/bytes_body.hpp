// The body of the tables of bytes; see function.hpp for the equation.
//
// An instruction set whose struct (simd/bytes.hpp) has
//
//   struct Table {
//     static constexpr int bytes;              looked up at once
//     explicit Table(const std::uint8_t* table);
//     void look_up(Byte* values) const;        so many of them
//   };
//
// keeps the table in registers. Others read it from memory, byte by byte.
#pragma once

#include "kernels/function/function.hpp"
#include "kernels/simd/bytes.hpp"

namespace riffle::kernels {

template <class B>
struct FunctionBytes {
  using Byte = typename B::Byte;
  static constexpr std::int32_t least = 8;  ///< so many bytes are worth being copied to where there is room

  static RIFFLE_INLINE void look_up(const std::uint8_t* table, Byte* values, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      values[i] = static_cast<Byte>(table[static_cast<std::uint8_t>(values[i])]);
    }
  }

  /// One table for all channels.
  static void run_one(const std::uint8_t* table, Byte* values, std::int64_t pixels, std::int32_t channels,
                      std::int32_t pixel_stride) {
    if (channels == pixel_stride) channels = static_cast<std::int32_t>(pixels * channels), pixels = 1;
    if constexpr (requires { typename B::Table; }) {
      using Table = typename B::Table;
      const Table in_registers(table);
      for (std::int64_t p = 0; p < pixels; ++p, values += pixel_stride) {
        std::int32_t c = 0;
        for (; c + Table::bytes <= channels; c += Table::bytes) in_registers.look_up(values + c);
        const std::int32_t left = channels - c;
        if (left < least) {
          look_up(table, values + c, left);
        } else {
          Byte some[Table::bytes] = {};
          __builtin_memcpy(some, values + c, static_cast<std::size_t>(left));
          in_registers.look_up(some);
          __builtin_memcpy(values + c, some, static_cast<std::size_t>(left));
        }
      }
    } else {
      for (std::int64_t p = 0; p < pixels; ++p, values += pixel_stride) look_up(table, values, channels);
    }
  }

  static void run(const FunctionArgs& args, void* numbers, std::int64_t pixels, std::int32_t channels,
                  std::int32_t pixel_stride) {
    auto* values = static_cast<Byte*>(numbers);
    if (args.table_step == 0) return run_one(args.table, values, pixels, channels, pixel_stride);
    for (std::int64_t p = 0; p < pixels; ++p, values += pixel_stride) {
      const std::uint8_t* table = args.table;
      for (std::int32_t c = 0; c < channels; ++c, table += args.table_step) look_up(table, values + c, 1);
    }
  }

  static constexpr FunctionKernel kernel(const char* name) {
    return {name, {B::byte_type, Type::f32, B::byte_type}, B::lanes, run};
  }
};

}  // namespace riffle::kernels
