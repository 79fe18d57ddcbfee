// Tiles of the stem for AArch64, from planes of floats to halves: see row.hpp.
//
//   registers   v0 .. v3     the input row's 15 numbers under the tile, as halves: 0-7 and, not to read behind the row,
//                            7-14; twice, for this tap row and for the next (a lane can be used of v0 to v15 alone)
//               v4 .. v9     weights of a column of taps, 3 vectors; twice, for this column and for the next
//               v10          floats on their way
//               v11 .. v31   sums, 7 pixels x 3 vectors
//
// A plane is 189 multiply-adds, 12 loads of the input, 12 conversions, 9 loads of weights, 6 other instructions.
#define RIFFLE_HALVES
#include "kernels/simd/neon64_asm.inc"

        .set    MR, 7
        .set    NV, 3
        .set    W, 4
        .set    FLOATS, 10
        .set    SUMS, 11
        .set    BOUND, 0
        .set    LEAKED, 1

// x0 StemRow, x1 weights, x2 panel, x3 bytes between rows, x4 planes left, x5 the tile's input, x6 output, x7 bytes
// between planes, x8 .. x10 a plane's rows, x17 tiles left.

        .macro  load_weights set
        several_next ld1, %(W + 3 * \set), %(W + 3 * \set + 2), x1, 48
        .endm
// Column K of a tap row, whose input is in vectors of set SET, with weights of set P.
        .macro  multiply m
        .if     2 * \m + K < 8
        fmla_lane %(SUMS + \m * NV + V), %(W + 3 * P + V), %(2 * SET), %(2 * \m + K)
        .else
        fmla_lane %(SUMS + \m * NV + V), %(W + 3 * P + V), %(2 * SET + 1), %(2 * \m + K - 7)
        .endif
        .endm
        .macro  column
        .if     J < 8
        load_weights %(1 - P)
        .endif
        .set    V, 0
        .rept   NV
        .irp    m, 0, 1, 2, 3, 4, 5, 6
        multiply \m
        .endr
        .set    V, V + 1
        .endr
        .if     J == 8
        load_weights 0
        .endif
        .set    P, 1 - P
        .set    J, J + 1
        .endm

// Numbers 0-7 of a row, and 7-14. In front of the image's first column there is a zero.
        .macro  load_halves to, pointer, first, second
        ldur    q10, [\pointer, #\first]
        fcvtn   v\to\().4h, v10.4s
        ldur    q10, [\pointer, #\second]
        fcvtn2  v\to\().8h, v10.4s
        .endm
        .macro  shift_in_zero to
        movi    v10.16b, #0
        ext     v\to\().16b, v10.16b, v\to\().16b, #14
        .endm
        .macro  load_row set, pointer, left
        .if     \left
        load_halves %(2 * \set), \pointer, 4, 20
        shift_in_zero %(2 * \set)
        .else
        load_halves %(2 * \set), \pointer, 0, 16
        .endif
        load_halves %(2 * \set + 1), \pointer, 28, 44
        .endm
        .macro  tap_row set
        .set    SET, \set
        .set    K, 0
        .rept   3
        column
        .set    K, K + 1
        .endr
        .endm

        .macro  plane   left
        add     x9, x8, x3
        add     x10, x9, x3
        .set    J, 0
        .set    P, 0
        load_row 0, x8, \left
        add     x8, x8, x7
        load_row 1, x9, \left
        tap_row 0
        load_row 0, x10, \left
        tap_row 1
        tap_row 0
        .endm

// A tile starts from the bias.
        .macro  tile_start
        mov     x8, x5
        add     x5, x5, #(4 * 2 * MR)
        add     x1, x2, #(16 * NV)
        ldr     w4, [x0, #68]
        load_bias
        load_weights 0
        .endm

#include "kernels/stem/row_neon64.inc"

        stem_row 7, 3

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
