// Tiles of the stem for AArch64, 7 pixels x 3 vectors or 5 x 4: see row.hpp.
//
//   registers   v0 .. v20    sums (v0 .. v19 of 5 x 4)
//               v21 .. v24   a ring of 4 vectors of weights, 2 to 4 ahead
//               v25 .. v31   the input row's 15 floats under the tile: 0-3, 4-7, 8-11 and, not to read behind the
//                            row, 11-14; the first three twice, for this tap row and for the next. Of 5 x 4, 11 floats:
//                            0-3, 4-7 and 7-10
//
// A plane of 7 x 3 is 189 multiply-adds, 9 loads of the input, 14 loads of weights, 5 other instructions; of 5 x 4, 180,
// 6, 18 and 5.
#include "kernels/simd/neon64_asm.inc"

// x0 StemRow, x1 weights (two pairs ahead), x2 panel, x3 bytes between rows, x4 planes left, x5 the tile's input, x6
// output, x7 bytes between planes, x8 plane, x9 and x10 its other rows, x17 tiles left.

// Weights J of the plane's 9 NV vectors: column K of the tap row, vector V. The input comes from vectors of set SET,
// WHOLE a set, and from the last one. 27 vectors are no whole rounds of the ring, so that the next plane's begin anew.
        .macro  multiply m
        .if     2 * \m + K < 4 * WHOLE
        fmla_lane %(\m * NV + V), %(W + J % 4), %(IN + WHOLE * SET + (2 * \m + K) / 4), %((2 * \m + K) % 4)
        .else
        fmla_lane %(\m * NV + V), %(W + J % 4), %LAST, %(2 * \m + K - (2 * MR - 3))
        .endif
        .endm
        .macro  vector
        .set    K, J % (3 * NV) / NV
        .set    V, J % NV
        .set    I, 0
        .rept   MR
        multiply %I
        .set    I, I + 1
        .endr
        .if     J < 9 * NV - 4 || NV == 4
        .if     J % 2
        next_pair %(W + (J - 1) % 4), %(W + J % 4), x1
        .endif
        .elseif J == 23
        next_single %(W + 2), x1
        .elseif J == 25
        next_pair %W, %(W + 1), x1
        .elseif J == 26
        next_pair %(W + 2), %(W + 3), x1
        .endif
        .set    J, J + 1
        .endm
        .macro  vectors count
        .rept   \count
        vector
        .endr
        .endm

// The whole vectors of a row, in two parts; in front of the image's first column there is a zero.
        .macro  load_first set, pointer, left
        .if     \left
        load_shifted %(IN + WHOLE * \set), \pointer
        single  ldr, %(IN + WHOLE * \set + 1), \pointer, 16
        .else
        pair    ldp, %(IN + WHOLE * \set), %(IN + WHOLE * \set + 1), \pointer, 0
        .endif
        .endm
        .macro  load_shifted to, pointer
        ldur    q\to, [\pointer, #4]
        ext     v\to\().16b, v\to\().16b, v\to\().16b, #12
        mov     v\to\().s[0], wzr
        .endm
        .macro  load_second set, pointer
        .if     WHOLE == 3
        single  ldr, %(IN + WHOLE * \set + 2), \pointer, 32
        .endif
        .endm
        .macro  load_last pointer
        single  ldur, %LAST, \pointer, %(4 * (2 * MR - 3))
        .endm

// A plane's three tap rows. Each but the first is loaded while the one before is used, so far as registers go.
        .macro  next_row set, pointer, left
        vectors NV
        load_first \set, \pointer, \left
        vectors NV
        load_second \set, \pointer
        vectors NV
        load_last \pointer
        .set    SET, \set
        .endm
        .macro  plane   left
        load_first 0, x8, \left
        load_second 0, x8
        load_last x8
        add     x9, x8, x3
        add     x10, x9, x3
        add     x8, x8, x7
        .set    J, 0
        .set    SET, 0
        next_row 1, x9, \left
        next_row 0, x10, \left
        vectors %(3 * NV)
        .endm

// A tile starts from the bias.
        .macro  tile_start
        mov     x8, x5
        add     x5, x5, #(4 * 2 * MR)
        add     x1, x2, #(16 * NV)
        ldr     w4, [x0, #68]
        load_bias
        next_pair %W, %(W + 1), x1
        next_pair %(W + 2), %(W + 3), x1
        .endm

#include "kernels/stem/row_neon64.inc"

        .macro  tiles   pixels, vectors
        .set    MR, \pixels
        .set    NV, \vectors
        .set    SUMS, 0
        .set    W, MR * NV
        .set    IN, W + 4
        .set    WHOLE, MR / 2
        .set    LAST, IN + 2 * WHOLE
        .set    BOUND, IN
        .set    LEAKED, IN + 1
        stem_row \pixels, \vectors
        .endm

        tiles   7, 3
#ifndef RIFFLE_SMALL
        tiles   5, 4
#endif

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
