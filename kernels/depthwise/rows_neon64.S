// Rows of a 3x3 or 5x5 depthwise convolution for AArch64: see rows.hpp.
//
// 3x3. The taps of one or two vectors of channels stay in registers while a window moves along the row. An input column
// comes in one load a row, which takes the pointer to the next column, and is used at once by all outputs that it is a
// tap of: by stride 1 the last column of one, the middle one of the next and the first of the one behind.
//
//   registers   v0 ..   9 NV weights (vector after vector)
//               then    sums of 3 (stride 1) or 2 outputs, NV each
//               then    a column: 3 rows, NV each; a row is loaded anew as soon as it is used
//   2 vectors: 18 + 6 + 6 = 30, and v30, v31: the lower and the upper bound
//
// Stride 1, two vectors, one output: 18 multiply-adds, 3 loads, 1 load of the bias, 1 store, 2/3 of loop, 1 branch around
// the bounds or 4 that keep the lower, 6 that keep both.
//
// 5x5, one vector. Likewise, with all 25 taps in registers:
//
//   registers   v0 .. v24    weights
//               v25 .. v29   sums of 5 (stride 1) or 3 (stride 2) outputs
//               v30, v31     two rows of a column: 0, 2, 4 and 1, 3; v31 holds a bound while an output ends
//
// A row above or below the image is 16 bytes of zeros, which are read again for each pixel. The first outputs begin in
// the same registers for every length of row, from where they are moved to those of the step where the loop is entered.
//
// Stride 1, one output: 25 multiply-adds, 5 loads, 1 load of the bias, 1 store, 2/5 of loop, and the bounds' 1 to 6.
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
// Two vectors are eight numbers in a register, as they stand in memory, multiplied by weights that are rounded to bf16;
// one vector has the sums of channels 0, 2, 4, 6, the other those of 1, 3, 5, 7.
        .macro  load_pixel a, b, pointer, stride
        .if     NV == 2
        ld1     {v\a\().8h}, [\pointer], \stride
        .else
        ld1     {v\a\().4h}, [\pointer], \stride
        shll    v\a\().4s, v\a\().4h, #16
        .endif
        .endm
        .macro  store_pixel a, b
        bfcvtn  v\a\().4h, v\a\().4s
        .if     NV == 2
        bfcvtn  v\b\().4h, v\b\().4s
        st2     {v\a\().4h, v\b\().4h}, [x6], x7
        .else
        st1     {v\a\().4h}, [x6], x7
        .endif
        .endm
        .macro  multiply_eight acc, odd, x, w
        bfmlalb v\acc\().4s, v\x\().8h, v\w\().8h
        bfmlalt v\odd\().4s, v\x\().8h, v\w\().8h
        .endm
#else
        .macro  load_pixel a, b, pointer, stride
        next_pixel ld1, \a, \b, \pointer, \stride
        .endm
        .macro  store_pixel a, b
        next_pixel st1, \a, \b, x6, x7
        .endm
#endif
        .macro  load_row row, pointer
        load_pixel %(IN + \row * WIDTH), %(IN + \row * WIDTH + 1), \pointer, x3
        .endm

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
        .if     NV == 2
        lanes   fmax, %(SUM + \sum * NV + 1), %(SUM + \sum * NV + 1), 30
        .endif
        tbz     w15, #5, 30f
        lanes   fmin, %(SUM + \sum * NV), %(SUM + \sum * NV), 31
        .if     NV == 2
        lanes   fmin, %(SUM + \sum * NV + 1), %(SUM + \sum * NV + 1), 31
        .endif
30:     store_pixel %(SUM + \sum * NV), %(SUM + \sum * NV + 1)
        .endm

// Row `row` of a column is column `tap` of output `sum`, which may be none (-1).
        .macro  multiply row, tap, sum
        .if     \sum + 1
        .if     WIDTH < NV
        multiply_eight %(SUM + \sum * NV), %(SUM + \sum * NV + 1), %(IN + \row), %(3 * \row + \tap)
        .else
        fmla_vector %(SUM + \sum * NV), %(IN + \row * NV), %(3 * \row + \tap)
        .if     NV == 2
        fmla_vector %(SUM + \sum * NV + 1), %(IN + \row * NV + 1), %(9 + 3 * \row + \tap)
        .endif
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
        tbnz    w15, #6, 11f
        tbnz    w15, #7, 12f
        begin_1 0, 1
10:     step_1  0, 1, 2
13:     step_1  1, 2, 0
14:     step_1  2, 0, 1
        subs    w4, w4, #1
        b.ne    10b
        tbnz    w15, #2, 15f
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
        tbnz    w15, #6, 11f
        begin_2 0
10:     step_2  0, 1
13:     step_2  1, 0
        subs    w4, w4, #1
        b.ne    10b
        tbnz    w15, #2, 15f
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

        .macro  load_eight
        .set    I, 0
        .rept   9
        round_weights %I
        .set    I, I + 1
        .endr
        .endm
        .macro  round_weights tap
        single  ldr, \tap, x2, %(16 + 16 * \tap)
        single  ldr, 31, x2, %(176 + 16 * \tap)
        bfcvtn  v\tap\().4h, v\tap\().4s
        bfcvtn2 v\tap\().8h, v31.4s
        .endm

// WIDTH: registers of an input row, and of weights, a tap.
        .macro  rows    stride, vectors
        .set    NV, \vectors
#ifdef RIFFLE_BFLOATS
        .set    WIDTH, 1
#else
        .set    WIDTH, NV
#endif
        .set    SUM, 9 * WIDTH
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
        .if     WIDTH < NV
        load_eight
        ldr     q29, [x2]
        ldr     q31, [x2, #160]
        uzp1    v30.4s, v29.4s, v31.4s
        uzp2    v31.4s, v29.4s, v31.4s
        stp     q30, q31, [sp, #64]
        .else
        load_weights 0
        .if     NV == 2
        load_weights 9
        ldr     q30, [x2]
        ldr     q31, [x2, #160]
        stp     q30, q31, [sp, #64]
        .endif
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

#ifndef RIFFLE_SMALL
// 5x5. x8 .. x12: five input rows, and x16, x17, x19 .. x21 from one pixel of each to the next, 0 where it is outside the
// image; x14 output rows left, x22 next output row. On the stack: zeros, the lower and the upper bound.

        .macro  load_from to, pointer, stride
        load_pixel \to, 0, x\pointer, x\stride
        .endm
        .macro  load_tap row
        load_from %(IN + \row % 2), %(8 + \row), %(16 + \row + \row / 2 - \row / 4)
        .endm

// Column C of the oldest output, OLD, is a column of outputs \first to \last, counted from there. What follows is the
// next column's, if there is one.
        .macro  multiply_tap row, output
        fmla_vector %(SUM + (OLD + \output) % SUMS), %(IN + \row % 2), %(5 * \row + C - \output * STRIDE)
        .endm
        .macro  tap     row, first, last
        .set    O, \first
        .rept   \last - \first + 1
        multiply_tap \row, %O
        .set    O, O + 1
        .endr
        .if     \row < 3
        load_tap %(\row + 2)
        .endif
        .endm
        .macro  wide_column column, first, last
        .set    C, \column
        .irp    row, 0, 1, 2, 3, 4
        tap     \row, \first, \last
        .endr
        .endm
        .macro  next_column
        load_tap 0
        load_tap 1
        .endm

        .macro  finish_old
        finish_wide %(SUM + OLD)
        .endm
        .macro  finish_wide sum
        tbz     w15, #4, 30f
        ldr     q31, [sp, #16]
        lanes   fmax, \sum, \sum, 31
        tbz     w15, #5, 30f
        ldr     q31, [sp, #32]
        lanes   fmin, \sum, \sum, 31
30:     store_pixel \sum, 0
        .endm

// The first outputs, in the sums from 0 on, up to the columns that the loop's first step takes.
        .macro  begin_wide_1
        .irp    sum, 0, 1, 2, 3
        start   \sum
        .endr
        tbnz    w15, #0, 20f
        wide_column 0, 0, 0
        next_column
20:     tbnz    w15, #1, 20f
        wide_column 1, 0, 1
        next_column
20:     wide_column 2, 0, 2
        next_column
        wide_column 3, 0, 3
        next_column
        .endm
        .macro  begin_wide_2
        .irp    sum, 0, 1
        start   \sum
        .endr
        tbnz    w15, #0, 20f
        wide_column 0, 0, 0
        next_column
20:     tbnz    w15, #1, 20f
        wide_column 1, 0, 0
        next_column
20:     wide_column 2, 0, 1
        next_column
        .endm
// An output: the oldest is finished, and a new one begins.
        .macro  step_wide_1
        start   %((OLD + 4) % SUMS)
        wide_column 4, 0, 4
        load_tap 0
        finish_old
        load_tap 1
        .endm
        .macro  step_wide_2
        start   %((OLD + 2) % SUMS)
        wide_column 3, 0, 1
        next_column
        wide_column 4, 0, 2
        load_tap 0
        finish_old
        load_tap 1
        .endm
// The last outputs, of which one or two columns may be missing.
        .macro  end_wide_1
        wide_column 4, 0, 3
        finish_old
        next_column
        wide_column 5, 1, 3
        .set    OLD, 1
        finish_old
        tbnz    w15, #3, 20f
        next_column
        .set    OLD, 0
        wide_column 6, 2, 3
20:     .set    OLD, 2
        finish_old
        tbnz    w15, #2, 20f
        next_column
        .set    OLD, 0
        wide_column 7, 3, 3
20:     .set    OLD, 3
        finish_old
        .endm
        .macro  end_wide_2
        wide_column 3, 0, 1
        next_column
        wide_column 4, 0, 1
        finish_old
        tbnz    w15, #3, 20f
        next_column
        wide_column 5, 1, 1
20:     tbnz    w15, #2, 20f
        next_column
        wide_column 6, 1, 1
20:     .set    OLD, 1
        finish_old
        .endm

// To where the loop is entered at step \entry: into the sum that is free comes what belongs there, and so on.
        .macro  move_sum to, from
        mov     v\to\().16b, v\from\().16b
        .endm
        .macro  enter   entry
        .set    TO, SUMS - 1
        .rept   SUMS - 1
        .set    FROM, (TO - \entry + SUMS) % SUMS
        move_sum %(SUM + TO), %(SUM + FROM)
        .set    TO, FROM
        .endr
        b       4\entry\()b
        .endm

        .macro  wide_rows stride
        .set    STRIDE, \stride
        .set    SUMS, 4 / STRIDE + 1
        .p2align 4
        .globl  SYMBOL(riffle_depthwise_5x5_rows_\stride\()ISA)
        HIDDEN(riffle_depthwise_5x5_rows_\stride\()ISA)
        TYPE(riffle_depthwise_5x5_rows_\stride\()ISA)
SYMBOL(riffle_depthwise_5x5_rows_\stride\()ISA):
        save_general
        save_registers
        sub     sp, sp, #48
        ldp     x1, x5, [x0]
        ldp     x3, x7, [x0, #16]
        ldp     x22, x13, [x0, #32]
        ldp     x2, x14, [x0, #48]
        ldr     w15, [x0, #68]
        movi    v29.16b, #0
        add     x4, x0, #72
        all_lanes 30, x4
        add     x4, x0, #(72 + BYTES)
        all_lanes 31, x4
        str     q29, [sp]
        stp     q30, q31, [sp, #16]
        .set    I, 0
        .rept   12
        pair    ldp, %(2 * I), %(2 * I + 1), x2, %(16 + 32 * I)
        .set    I, I + 1
        .endr
        single  ldr, 24, x2, 400
1:      ldp     x8, x9, [x1]
        ldp     x10, x11, [x1, #16]
        ldr     x12, [x1, #32]
        add     x1, x1, #(8 * STRIDE)
        sub     x4, sp, x5
        .irp    row, 0, 1, 2, 3, 4
        row_or_zeros %(8 + \row), %(16 + \row + \row / 2 - \row / 4)
        .endr
        mov     x6, x22
        add     x22, x22, x13
        ldr     w4, [x0, #64]
        .set    OLD, 0
        next_column
        begin_wide_\stride
        .set    I, 1
        .rept   SUMS - 1
        skip_to %I
        .set    I, I + 1
        .endr
        .rept   SUMS
        numbered_step \stride, %OLD
        .set    OLD, OLD + 1
        .endr
        subs    w4, w4, #1
        b.ne    40b
        .set    OLD, 0
        end_wide_\stride
        subs    x14, x14, #1
        b.ne    1b
        add     sp, sp, #48
        restore_registers
        restore_general
        ret
        .set    I, 1
        .rept   SUMS - 1
        numbered_entry %I
        .set    I, I + 1
        .endr
        SIZE(riffle_depthwise_5x5_rows_\stride\()ISA)
        .endm
        .macro  row_or_zeros pointer, stride
        cmp     x\pointer, #0
        csel    x\stride, xzr, x3, eq
        csel    x\pointer, x4, x\pointer, eq
        add     x\pointer, x\pointer, x5
        .endm
        .macro  skip_to entry
        tbnz    w15, #(5 + \entry), 5\entry\()f
        .endm
        .macro  numbered_step stride, number
4\number\():
        step_wide_\stride
        .endm
        .macro  numbered_entry entry
5\entry\():
        enter   \entry
        .endm

        .set    NV, 1
        .set    SUM, 25
        .set    IN, 30
        wide_rows 1
        wide_rows 2
#endif

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
