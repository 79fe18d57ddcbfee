// The taps of a 3x3 window with stride 2 on three planes, rounded to bf16, by pairs of pixels as bfmmla takes them: tile
// by tile, four taps of each of its pairs after the other. x0: row 0 of the window, on all planes one after the other;
// x1: bytes to the next; x2: where the taps go; x3: tiles; x4: lookups (neon64bf16.hpp).
//
// Of four rows, 12 taps, come three fours: the first from rows 0 and 1, the next from 1 and 2, the last from 2 and 3.
// Another four rows are the same again; of the ninth row there are three taps and a zero.
//
//   registers   v0 .. v3, v4 .. v7, v24 .. v27   four rows under each pair of pixels, of 8 numbers: a pixel has 3, the
//                                                next ones begin at 2
//               v16 .. v19                       lookups
//               v20 .. v22                       taps
//
// 6 pixels: 27 loads, 21 lookups, 7 stores, 2 of loop.
#define RIFFLE_BFLOATS
#include "kernels/simd/neon64_asm.inc"

        .set    LOOKUPS, 16
        .set    TAPS, 20

// Pair P's rows begin at v(UNDER).
        .macro  first_under
        .set    P, 0
        .set    UNDER, 0
        .endm
        .macro  next_under
        .set    P, P + 1
        .set    UNDER, 4 * P + P / 2 * 16
        .endm
        .macro  row_after to, from
        add     \to, \from, x1
        .endm
// What is under each pair of the tile, which takes the pointer to the next tile.
        .macro  load_after to, pointer, offset
        ldur    q\to, [\pointer, #\offset]
        .endm
        .macro  load_row row, pointer
        ldr     q\row, [\pointer], #(8 * PAIRS)
        first_under
        .rept   PAIRS - 1
        next_under
        load_after %(\row + UNDER), \pointer, %(8 * P - 8 * PAIRS)
        .endr
        .endm
        .macro  look_up to, a, b, lookup
        tbl     v\to\().16b, {v\a\().16b, v\b\().16b}, v\lookup\().16b
        .endm
        .macro  look_up_row to, a, lookup
        tbl     v\to\().16b, {v\a\().16b}, v\lookup\().16b
        .endm
        .macro  store_four
        several_next st1, %TAPS, %(TAPS + PAIRS - 1), x2, %(16 * PAIRS)
        .endm
        .macro  four_rows a, b, c, d
        load_row 0, \a
        load_row 1, \b
        load_row 2, \c
        load_row 3, \d
        .set    Q, 0
        .rept   3
        first_under
        .rept   PAIRS
        look_up %(TAPS + P), %(UNDER + Q), %(UNDER + Q + 1), %(LOOKUPS + Q)
        next_under
        .endr
        store_four
        .set    Q, Q + 1
        .endr
        .endm

        .macro  join    pairs
        .set    PAIRS, \pairs
        .p2align 4
        .globl  SYMBOL(riffle_join_taps_\pairs\()ISA)
        HIDDEN(riffle_join_taps_\pairs\()ISA)
        TYPE(riffle_join_taps_\pairs\()ISA)
SYMBOL(riffle_join_taps_\pairs\()ISA):
        ld1     {v16.16b - v19.16b}, [x4]
        row_after x5, x0
        row_after x6, x5
        row_after x7, x6
        row_after x8, x7
        row_after x9, x8
        row_after x10, x9
        row_after x11, x10
        row_after x12, x11
1:      four_rows x0, x5, x6, x7
        four_rows x8, x9, x10, x11
        load_row 0, x12
        first_under
        .rept   PAIRS
        look_up_row %(TAPS + P), %UNDER, %(LOOKUPS + 3)
        next_under
        .endr
        store_four
        subs    x3, x3, #1
        b.ne    1b
        ret
        SIZE(riffle_join_taps_\pairs\()ISA)
        .endm

        join    1
        join    2
        join    3

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
