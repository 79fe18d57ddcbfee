// Part of a row of 3x3 pooling with stride 2 for AArch64: see row.hpp. The third column of a window is the first of the
// next: it is loaded and reduced once.
//
// A maximum of two vectors: 6 loads, 12 fmax, 1 store, 2 of loop.
#include "kernels/simd/neon64_asm.inc"

// x0 PoolRow, x1 .. x3 rows, x4 bytes between columns, x6 output, x7 outputs left, x16 bytes between outputs.
// v0, v1 result; v2, v3 first column; v4, v5, v6, v7, v16, v17 another; v18 factor, v19 lower, v20 upper.

        .macro  load_column
        several_next ld1, 4, 5, x1, x4
        several_next ld1, 6, 7, x2, x4
        several_next ld1, 16, 17, x3, x4
        .endm
        .macro  reduce_column op, a, b
        lanes   \op, 4, 4, 6
        lanes   \op, 5, 5, 7
        lanes   \op, \a, 4, 16
        lanes   \op, \b, 5, 17
        .endm
        .macro  both    op, by
        lanes   \op, 0, 0, \by
        lanes   \op, 1, 1, \by
        .endm
        .macro  outputs op, mean, clamps
1:      load_column
        reduce_column \op, 4, 5
        lanes   \op, 0, 2, 4
        lanes   \op, 1, 3, 5
        load_column
        reduce_column \op, 2, 3
        lanes   \op, 0, 0, 2
        lanes   \op, 1, 1, 3
        .if     \mean
        both    fmul, 18
        .endif
        .if     \clamps
        both    fmax, 19
        .if     \clamps == 2
        both    fmin, 20
        .endif
        .endif
        subs    x7, x7, #1
        several_next st1, 0, 1, x6, x16
        b.ne    1b
        ret
        .endm

        .macro  row     name, op, mean
        .p2align 4
        .globl  SYMBOL(riffle_\name\()_row\()ISA)
        HIDDEN(riffle_\name\()_row\()ISA)
        TYPE(riffle_\name\()_row\()ISA)
SYMBOL(riffle_\name\()_row\()ISA):
        ldp     x1, x2, [x0, #8]
        ldp     x3, x4, [x0, #24]
        ldp     x6, x16, [x0, #40]
        ldr     x7, [x0, #56]
        ldr     w8, [x0, #68]
        .if     \mean
        movi    v2.16b, #0
        movi    v3.16b, #0
        .else
        .if     BYTES == 2
        mvni    v2.8h, #0x03, lsl #8   // 0xfcff, and
        bic     v2.8h, #0xff           // 0xfc00: -infinity
        .else
        mvni    v2.4s, #0x7f, lsl #16  // 0xff80ffff, and
        bic     v2.4s, #0xff           // 0xff80ff00,
        bic     v2.4s, #0xff, lsl #8   // 0xff800000: -infinity
        .endif
        mov     v3.16b, v2.16b
        .endif
        tbnz    w8, #2, 4f
        load_column
        reduce_column \op, 2, 3
4:      add     x9, x0, #64
        all_lanes 18, x9
        all_lanes 19, x0
        add     x0, x0, #BYTES
        all_lanes 20, x0
        tbnz    w8, #1, 3f
        tbnz    w8, #0, 2f
        outputs \op, \mean, 0
2:      outputs \op, \mean, 1
3:      outputs \op, \mean, 2
        SIZE(riffle_\name\()_row\()ISA)
        .endm

        row     max_pool, fmax, 0
        row     average_pool, fadd, 1

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
