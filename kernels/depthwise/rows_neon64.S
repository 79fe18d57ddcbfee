// Rows of a 3x3 depthwise convolution for AArch64: see rows.hpp.
//
// The taps of one or two vectors of channels stay in registers while a window moves along the row. An input column
// comes in one load a row, which takes the pointer to the next column, and is used at once by all outputs that it is a
// tap of: by stride 1 the last column of one, the middle one of the next and the first of the one behind.
//
//   registers   v0 ..   9 NV weights (vector after vector)
//               then    sums of 3 (stride 1) or 2 outputs, NV each
//               then    a column: 3 rows, NV each; a row is loaded anew as soon as it is used
//   2 vectors: 18 + 6 + 6 = 30, and v30, v31: the lower and the upper bound
//
// Stride 1, two vectors, one output: 18 multiply-adds, 3 loads, 1 load of the bias, 1 store, 2/3 of loop, 1 branch around
// the bounds or 4 that keep them.
#include "kernels/simd/neon64_asm.inc"

// x0 DepthwiseRows, x1 row pointers, x2 packed, x3 bytes to the next input pixel, x4 rounds left, x5 channel, x6 output,
// x7 bytes to the next output pixel, x8 .. x10 three input rows, x11 output rows left, x12 next output row, x13 bytes
// between output rows, w14 rounds, w15 form.

        .macro  fmla_vector acc, x, w
        fmla    v\acc\()ALL, v\x\()ALL, v\w\()ALL
        .endm
        .macro  next_pixel op, a, b, pointer, stride
        .if     NV == 2
        \op     {v\a\()ALL, v\b\()ALL}, [\pointer], \stride
        .else
        \op     {v\a\()ALL}, [\pointer], \stride
        .endif
        .endm
#ifdef RIFFLE_BFLOATS
        .macro  widened_pixel a, b, pointer
        .if     NV == 2
        ld1     {v\a\().8h}, [\pointer], x3
        shll2   v\b\().4s, v\a\().8h, #16
        .else
        ld1     {v\a\().4h}, [\pointer], x3
        .endif
        shll    v\a\().4s, v\a\().4h, #16
        .endm
        .macro  narrowed_pixel a, b
        bfcvtn  v\a\().4h, v\a\().4s
        .if     NV == 2
        bfcvtn2 v\a\().8h, v\b\().4s
        st1     {v\a\().8h}, [x6], x7
        .else
        st1     {v\a\().4h}, [x6], x7
        .endif
        .endm
        .macro  load_row row, pointer
        widened_pixel %(IN + \row * NV), %(IN + \row * NV + 1), \pointer
        .endm
#else
        .macro  load_row row, pointer
        next_pixel ld1, %(IN + \row * NV), %(IN + \row * NV + 1), \pointer, x3
        .endm
#endif

// Output `sum` starts from the bias.
        .macro  start sum
        .if     NV == 2
        pair    ldp, %(SUM + \sum * NV), %(SUM + \sum * NV + 1), sp, 64
        .else
        single  ldr, %(SUM + \sum * NV), x2, 0
        .endif
        .endm
        .macro  finish sum
        tbz     w15, #4, 30f
        lanes   fmax, %(SUM + \sum * NV), %(SUM + \sum * NV), 30
        lanes   fmin, %(SUM + \sum * NV), %(SUM + \sum * NV), 31
        .if     NV == 2
        lanes   fmax, %(SUM + \sum * NV + 1), %(SUM + \sum * NV + 1), 30
        lanes   fmin, %(SUM + \sum * NV + 1), %(SUM + \sum * NV + 1), 31
        .endif
30:
#ifdef RIFFLE_BFLOATS
        narrowed_pixel %(SUM + \sum * NV), %(SUM + \sum * NV + 1)
#else
        next_pixel st1, %(SUM + \sum * NV), %(SUM + \sum * NV + 1), x6, x7
#endif
        .endm

// Row `row` of a column is column `tap` of output `sum`, which may be none (-1).
        .macro  multiply row, tap, sum
        .if     \sum + 1
        fmla_vector %(SUM + \sum * NV), %(IN + \row * NV), %(3 * \row + \tap)
        .if     NV == 2
        fmla_vector %(SUM + \sum * NV + 1), %(IN + \row * NV + 1), %(9 + 3 * \row + \tap)
        .endif
        .endif
        .endm
        .macro  row_of_column row, pointer, third, second, first, load
        multiply \row, 2, \third
        multiply \row, 1, \second
        multiply \row, 0, \first
        .if     \load
        load_row \row, \pointer
        .endif
        .endm
// A column is the third column of one output, the second of another, the first of yet another. Then the next one.
        .macro  column third, second, first, load
        .if     TOP
        row_of_column 0, x8, \third, \second, \first, \load
        .endif
        row_of_column 1, x9, \third, \second, \first, \load
        .if     BOTTOM
        row_of_column 2, x10, \third, \second, \first, \load
        .endif
        .endm

// Stride 1: the row's first outputs, on the way into the loop's step `a`.
        .macro  begin_1 a, b
        start   \a
        start   \b
        tbnz    w15, #0, 20f
        column  -1, -1, \a, 1
20:     column  -1, \a, \b, 1
        .endm
        .macro  step_1 a, b, c
        start   \c
        column  \a, \b, \c, 1
        finish  \a
        .endm
        .macro  row_1
        tbnz    w15, #2, 11f
        tbnz    w15, #3, 12f
        begin_1 0, 1
10:     step_1  0, 1, 2
13:     step_1  1, 2, 0
14:     step_1  2, 0, 1
        subs    w4, w4, #1
        b.ne    10b
        tbnz    w15, #1, 15f
        column  0, 1, -1, 1
        finish  0
        column  1, -1, -1, 0
        finish  1
        b       3f
15:     column  0, 1, -1, 0
        finish  0
        finish  1
        b       3f
11:     begin_1 1, 2
        b       13b
12:     begin_1 2, 0
        b       14b
        .endm

// Stride 2.
        .macro  begin_2 a
        start   \a
        tbnz    w15, #0, 20f
        column  -1, -1, \a, 1
20:
        .endm
        .macro  step_2 a, b
        start   \b
        column  -1, \a, -1, 1
        column  \a, -1, \b, 1
        finish  \a
        .endm
        .macro  row_2
        tbnz    w15, #2, 11f
        begin_2 0
10:     step_2  0, 1
13:     step_2  1, 0
        subs    w4, w4, #1
        b.ne    10b
        tbnz    w15, #1, 15f
        column  -1, 0, -1, 1
        column  0, -1, -1, 0
        finish  0
        b       3f
15:     column  -1, 0, -1, 0
        finish  0
        b       3f
11:     begin_2 1
        b       13b
        .endm

// A row whose top and bottom taps are inside the image or not.
        .macro  row_inside top, bottom, stride
        .set    TOP, \top
        .set    BOTTOM, \bottom
        .if     TOP
        add     x8, x8, x5
        load_row 0, x8
        .endif
        add     x9, x9, x5
        load_row 1, x9
        .if     BOTTOM
        add     x10, x10, x5
        load_row 2, x10
        .endif
        row_\stride
        .endm

        .macro  load_weights first
        .set    I, 0
        .rept   4
        pair    ldp, %(\first + 2 * I), %(\first + 2 * I + 1), x2, %(\first / 9 * 160 + 16 + 32 * I)
        .set    I, I + 1
        .endr
        single  ldr, %(\first + 8), x2, %(\first / 9 * 160 + 144)
        .endm

        .macro  rows    stride, vectors
        .set    NV, \vectors
        .set    SUM, 9 * NV
        .set    IN, SUM + 3 * NV
        .p2align 4
        .globl  SYMBOL(riffle_depthwise_rows_\stride\()x\vectors\()ISA)
        HIDDEN(riffle_depthwise_rows_\stride\()x\vectors\()ISA)
        TYPE(riffle_depthwise_rows_\stride\()x\vectors\()ISA)
SYMBOL(riffle_depthwise_rows_\stride\()x\vectors\()ISA):
        sub     sp, sp, #32
        save_registers
        ldp     x1, x5, [x0]
        ldp     x3, x7, [x0, #16]
        ldp     x12, x13, [x0, #32]
        ldp     x2, x11, [x0, #48]
        ldp     w14, w15, [x0, #64]
        load_weights 0
        .if     NV == 2
        load_weights 9
        ldr     q30, [x2]
        ldr     q31, [x2, #160]
        stp     q30, q31, [sp, #64]
        .endif
        add     x4, x0, #72
        all_lanes 30, x4
        add     x4, x0, #(72 + BYTES)
        all_lanes 31, x4
1:      ldr     x8, [x1]
        ldp     x9, x10, [x1, #8]
        add     x1, x1, #(8 * \stride)
        mov     x6, x12
        add     x12, x12, x13
        mov     w4, w14
        cbz     x8, 4f
        cbz     x10, 5f
        row_inside 1, 1, \stride
4:      cbz     x10, 6f
        row_inside 0, 1, \stride
5:      row_inside 1, 0, \stride
6:      row_inside 0, 0, \stride
3:      subs    x11, x11, #1
        b.ne    1b
        restore_registers
        add     sp, sp, #32
        ret
        SIZE(riffle_depthwise_rows_\stride\()x\vectors\()ISA)
        .endm

        rows    1, 1
        rows    1, 2
        rows    2, 1
        rows    2, 2

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
