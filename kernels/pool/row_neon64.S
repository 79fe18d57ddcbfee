// Part of a row of 3x3 pooling with stride 2 for AArch64: see row.hpp. The third column of a window is the first of the
// next: it is loaded and reduced once.
//
// A maximum of two vectors: 6 loads, 12 fmax, 1 store, 2 of loop.
#include "kernels/simd/neon64_asm.inc"

// x0 PoolRow, x1 .. x3 rows, x4 bytes between columns, x6 output, x7 outputs left, x16 bytes between outputs.
// v0, v1 result; v2, v3 first column; v4, v5, v6, v7, v16, v17 another; v18 factor, v19 lower, v20 upper.

        .macro  load_column
        ld1     {v4.4s, v5.4s}, [x1], x4
        ld1     {v6.4s, v7.4s}, [x2], x4
        ld1     {v16.4s, v17.4s}, [x3], x4
        .endm
        .macro  reduce_column op, a, b
        \op     v4.4s, v4.4s, v6.4s
        \op     v5.4s, v5.4s, v7.4s
        \op     v\a\().4s, v4.4s, v16.4s
        \op     v\b\().4s, v5.4s, v17.4s
        .endm
        .macro  both    op, by
        \op     v0.4s, v0.4s, v\by\().4s
        \op     v1.4s, v1.4s, v\by\().4s
        .endm
        .macro  outputs op, mean, clamps
1:      load_column
        reduce_column \op, 4, 5
        \op     v0.4s, v2.4s, v4.4s
        \op     v1.4s, v3.4s, v5.4s
        load_column
        reduce_column \op, 2, 3
        \op     v0.4s, v0.4s, v2.4s
        \op     v1.4s, v1.4s, v3.4s
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
        st1     {v0.4s, v1.4s}, [x6], x16
        b.ne    1b
        ret
        .endm

        .macro  row     name, op, mean
        .p2align 4
        .globl  SYMBOL(riffle_\name\()_row_neon64)
        HIDDEN(riffle_\name\()_row_neon64)
        TYPE(riffle_\name\()_row_neon64)
SYMBOL(riffle_\name\()_row_neon64):
        ldp     x1, x2, [x0, #8]
        ldp     x3, x4, [x0, #24]
        ldp     x6, x16, [x0, #40]
        ldr     x7, [x0, #56]
        ldr     w8, [x0, #68]
        .if     \mean
        movi    v2.4s, #0
        movi    v3.4s, #0
        .else
        mvni    v2.4s, #0x7f, lsl #16  // 0xff80ffff, and
        bic     v2.4s, #0xff           // 0xff80ff00,
        bic     v2.4s, #0xff, lsl #8   // 0xff800000: -infinity
        mov     v3.16b, v2.16b
        .endif
        tbnz    w8, #2, 4f
        load_column
        reduce_column \op, 2, 3
4:      add     x9, x0, #64
        ld1r    {v18.4s}, [x9]
        ld1r    {v19.4s}, [x0], #4
        ld1r    {v20.4s}, [x0]
        tbnz    w8, #1, 3f
        tbnz    w8, #0, 2f
        outputs \op, \mean, 0
2:      outputs \op, \mean, 1
3:      outputs \op, \mean, 2
        SIZE(riffle_\name\()_row_neon64)
        .endm

        row     max_pool, fmax, 0
        row     average_pool, fadd, 1

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
