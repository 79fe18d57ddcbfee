// Part of a row of 3x3 pooling with stride 2 of numbers of bf16, eight channels: see row.hpp and row_neon64.S.
//
// A maximum is one of floats: 6 loads, 12 that widen, 12 fmax, 2 roundings, 1 store, 2 of loop.
//
// A sum takes numbers times one, those of channels 0, 2, 4, 6 into one vector and the others into a second: 6 loads, 12
// multiply-adds, 2 zeros, 2 additions, 2 products, 2 moves, 2 roundings, 1 store, 2 of loop.
#define RIFFLE_BFLOATS
#include "kernels/simd/neon64_asm.inc"

// x0 PoolRow, x1 .. x3 rows, x4 bytes between columns, x6 output, x7 outputs left, x16 bytes between outputs.
// v0, v1 result; v2, v3 first column; v4, v5, v6 another; v7 ones; v16, v17, v21, v22 on the way; v18 the mean's factor,
// v19 lower, v20 upper.

        .macro  load_column
        ld1     {v4.8h}, [x1], x4
        ld1     {v5.8h}, [x2], x4
        ld1     {v6.8h}, [x3], x4
        .endm
        .macro  widen   to, behind, from
        shll    v\to\().4s, v\from\().4h, #16
        shll2   v\behind\().4s, v\from\().8h, #16
        .endm
        .macro  begin_max a, b
        widen   16, 17, 4
        widen   21, 22, 5
        lanes   fmax, 16, 16, 21
        lanes   fmax, 17, 17, 22
        widen   21, 22, 6
        lanes   fmax, \a, 16, 21
        lanes   fmax, \b, 17, 22
        .endm
        .macro  next_max
        load_column
        begin_max 0, 1
        lanes   fmax, 0, 0, 2
        lanes   fmax, 1, 1, 3
        load_column
        begin_max 2, 3
        lanes   fmax, 0, 0, 2
        lanes   fmax, 1, 1, 3
        .endm
        .macro  finish_max clamps
        .if     \clamps
        bounds  \clamps
        .endif
        bfcvtn  v0.4h, v0.4s
        bfcvtn2 v0.8h, v1.4s
        st1     {v0.8h}, [x6], x16
        .endm

        .macro  add_numbers a, b, x
        bfmlalb v\a\().4s, v\x\().8h, v7.8h
        bfmlalt v\b\().4s, v\x\().8h, v7.8h
        .endm
        .macro  add_column a, b
        .irp    x, 4, 5, 6
        add_numbers \a, \b, \x
        .endr
        .endm
        .macro  begin_sum a, b
        movi    v\a\().16b, #0
        movi    v\b\().16b, #0
        add_column \a, \b
        .endm
        .macro  next_sum
        load_column
        add_column 2, 3
        load_column
        begin_sum 16, 17
        fadd    v0.4s, v2.4s, v16.4s
        fadd    v1.4s, v3.4s, v17.4s
        fmul    v0.4s, v0.4s, v18.4s
        fmul    v1.4s, v1.4s, v18.4s
        mov     v2.16b, v16.16b
        mov     v3.16b, v17.16b
        .endm
        .macro  finish_sum clamps
        .if     \clamps
        bounds  \clamps
        .endif
        bfcvtn  v0.4h, v0.4s
        bfcvtn  v1.4h, v1.4s
        st2     {v0.4h, v1.4h}, [x6], x16
        .endm

        .macro  bounds  clamps
        lanes   fmax, 0, 0, 19
        lanes   fmax, 1, 1, 19
        .if     \clamps == 2
        lanes   fmin, 0, 0, 20
        lanes   fmin, 1, 1, 20
        .endif
        .endm
        .macro  outputs op, clamps
1:      next_\op
        finish_\op \clamps
        subs    x7, x7, #1
        b.ne    1b
        ret
        .endm

        .macro  row     name, op
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
        begin_\op\()_row
        tbnz    w8, #2, 4f
        load_column
        begin_\op 2, 3
4:      ld1r    {v19.8h}, [x0]
        add     x0, x0, #2
        ld1r    {v20.8h}, [x0]
        shll    v19.4s, v19.4h, #16
        shll    v20.4s, v20.4h, #16
        tbnz    w8, #1, 3f
        tbnz    w8, #0, 2f
        outputs \op, 0
2:      outputs \op, 1
3:      outputs \op, 2
        SIZE(riffle_\name\()_row\()ISA)
        .endm
// What a column outside the image is, and constants: of a maximum -infinity; of a mean 0, 1 and 1 / 9.
        .macro  begin_max_row
        mov     w9, #0xff800000
        dup     v2.4s, w9
        mov     v3.16b, v2.16b
        .endm
        .macro  begin_sum_row
        mov     w9, #0x3f80
        dup     v7.8h, w9
        mov     w9, #0x8e39
        movk    w9, #0x3de3, lsl #16
        dup     v18.4s, w9
        movi    v2.16b, #0
        movi    v3.16b, #0
        .endm

        row     max_pool, max
        row     average_pool, sum

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
