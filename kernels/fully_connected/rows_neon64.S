// A tile's multiply-adds of the fully connected layer for AArch64: eight rows of weights, four vectors of inputs at a
// time (16 floats, or 32 halves).
//
//   sums[r] += sum_k x[k] * rows[r][k]        for k = 0 .. 4 * lanes * fours - 1, fours >= 1; sums are floats
//
// Two rows are multiplied while the next two are loaded; nothing is read behind a row. Four vectors of eight rows: 32
// multiply-adds, 8 loads of weights, 1 of inputs, 2 of loop.
#include "kernels/simd/neon64_asm.inc"

// x0 sums, x1 x, x2 fours, x3 rows; x4 .. x11 the rows' weights. v0 .. v7 sums, v8 .. v11 inputs; v16 .. v31 the
// weights of four rows, row r's from v(16 + r % 4 * 4) on.

        .macro  load_row r
        load_row_at %(\r + 4), %(16 + \r % 4 * 4), %(19 + \r % 4 * 4)
        .endm
        .macro  load_row_at pointer, a, b
        several_next ld1, \a, \b, x\pointer, 64
        .endm
        .macro  zero acc
        movi    v\acc\().16b, #0
        .endm
        .macro  multiply r, k
        multiply_by %\r, %(16 + \r % 4 * 4 + \k), %(8 + \k)
        .endm
        .macro  multiply_by acc, weight, x
        lanes   fmla, \acc, \weight, \x
        .endm
        .macro  multiply_both r, k
        multiply \r, \k
        multiply %(\r + 1), \k
        multiply \r, %(\k + 1)
        multiply %(\r + 1), %(\k + 1)
        .endm
// Rows r and r + 1, while the next two, unless it is the end, are loaded: a load in front of every four multiply-adds,
// which is what an in-order core wants.
        .macro  multiply_rows r, next, end
        .if     \end == 0
        load_row \next
        .endif
        multiply_both \r, 0
        .if     \end == 0
        load_row %(\next + 1)
        .endif
        multiply_both \r, 2
        .endm
        .macro  four    last
        several_next ld1, 8, 11, x1, 64
        multiply_rows 0, 2, 0
        multiply_rows 2, 4, 0
        multiply_rows 4, 6, 0
        multiply_rows 6, 0, \last
        .endm

        .p2align 4
        .globl  SYMBOL(PASTE(riffle_multiply_rows, ISA))
        HIDDEN(PASTE(riffle_multiply_rows, ISA))
        TYPE(PASTE(riffle_multiply_rows, ISA))
SYMBOL(PASTE(riffle_multiply_rows, ISA)):
        stp     d8, d9, [sp, #-32]!
        stp     d10, d11, [sp, #16]
        ldp     x4, x5, [x3]
        ldp     x6, x7, [x3, #16]
        ldp     x8, x9, [x3, #32]
        ldp     x10, x11, [x3, #48]
        .set    I, 0
        .rept   8
        zero    %I
        .set    I, I + 1
        .endr
        load_row 0
        load_row 1
        subs    x2, x2, #1
        b.eq    2f
1:      four    0
        subs    x2, x2, #1
        b.ne    1b
2:      four    1
#ifdef RIFFLE_HALVES
        .irp    r, 0, 1, 2, 3, 4, 5, 6, 7
        fcvtl   v16.4s, v\r\().4h
        fcvtl2  v17.4s, v\r\().8h
        fadd    v\r\().4s, v16.4s, v17.4s
        .endr
#endif
        faddp   v0.4s, v0.4s, v1.4s
        faddp   v2.4s, v2.4s, v3.4s
        faddp   v4.4s, v4.4s, v5.4s
        faddp   v6.4s, v6.4s, v7.4s
        faddp   v0.4s, v0.4s, v2.4s
        faddp   v4.4s, v4.4s, v6.4s
        ldp     q16, q17, [x0]
        fadd    v0.4s, v0.4s, v16.4s
        fadd    v4.4s, v4.4s, v17.4s
        stp     q0, q4, [x0]
        ldp     d10, d11, [sp, #16]
        ldp     d8, d9, [sp], #32
        ret
        SIZE(PASTE(riffle_multiply_rows, ISA))

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
