// The taps of a 3x3 window with stride 2 on three planes, side by side, by table lookups, four pixels at a time: see
// kernels/simd/neon64_taps.hpp. x0: row 0 of the window, on all planes one after the other; x1: bytes to the next; x2:
// where the taps go; x3: fours of pixels; x4: lookups.
//
//   registers   v0 .. v3, v4 .. v7, v15    rows 0 to 3, 4 to 7, 8
//               v8 .. v14                  the taps
//               v16 .. v31                 lookups
#include "kernels/simd/neon64_asm.inc"

        .set    UPPER, 0
        .set    MIDDLE, 4
        .set    LAST, 15
        .set    TAPS, 8

        .macro  load_row to, pointer
        ldr     q\to, [\pointer], #8
        .endm
        .macro  next_row to, from
        add     \to, \from, x1
        .endm
// Vector by vector from the first table with something for it, and then from others.
        .macro  look_up op, to, table, lookups
        .if     \table == LAST
        \op     v\to\().16b, {v15.16b}, v\lookups\().16b
        .elseif \table == MIDDLE
        \op     v\to\().16b, {v4.16b - v7.16b}, v\lookups\().16b
        .else
        \op     v\to\().16b, {v0.16b - v3.16b}, v\lookups\().16b
        .endif
        .set    LOOKUP, LOOKUP + 1
        .endm
        .macro  first table
        look_up tbl, %TAP, \table, %LOOKUP
        .endm
        .macro  other table
        look_up tbx, %TAP, \table, %LOOKUP
        .endm
        .macro  next_vector
        .set    TAP, TAP + 1
        .endm

        .p2align 4
        .globl  SYMBOL(riffle_join_taps_neon64)
        HIDDEN(riffle_join_taps_neon64)
        TYPE(riffle_join_taps_neon64)
SYMBOL(riffle_join_taps_neon64):
        save_registers
        ld1     {v16.16b - v19.16b}, [x4], #64
        ld1     {v20.16b - v23.16b}, [x4], #64
        ld1     {v24.16b - v27.16b}, [x4], #64
        ld1     {v28.16b - v31.16b}, [x4]
        next_row x5, x0
        next_row x6, x5
        next_row x7, x6
        next_row x8, x7
        next_row x9, x8
        next_row x10, x9
        next_row x11, x10
        next_row x12, x11
1:
        load_row 0, x0
        load_row 1, x5
        load_row 2, x6
        load_row 3, x7
        load_row 4, x8
        load_row 5, x9
        load_row 6, x10
        load_row 7, x11
        load_row 15, x12
        .set    LOOKUP, 16
        .set    TAP, TAPS
        .rept   2
        first   %UPPER
        other   %MIDDLE
        next_vector
        first   %UPPER
        other   %MIDDLE
        other   %LAST
        next_vector
        .endr
        first   %UPPER
        other   %MIDDLE
        next_vector
        first   %UPPER
        other   %LAST
        next_vector
        first   %MIDDLE
        other   %LAST
        subs    x3, x3, #1
        st1     {v8.16b - v11.16b}, [x2], #64
        st1     {v12.16b - v14.16b}, [x2], #48
        b.ne    1b
        restore_registers
        ret
        SIZE(riffle_join_taps_neon64)

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
