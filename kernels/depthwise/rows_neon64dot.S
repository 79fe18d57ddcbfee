// Rows of the depthwise 3x3 convolution of bytes for AArch64's dot product, eight channels at a time: see depthwise.hpp
// for the equation, byte_rows.hpp for the arguments.
//
// A lane is a channel, and holds four neighbouring bytes of one column of the image. Those serve two rows of outputs,
// by weights that stand one byte further down for the second:
//
//   column of channel c    x[y-1] x[y] x[y+1] x[y+2]
//   weights for row y        w0    w1    w2     0        for row y + 1:    0  w0  w1  w2
//
// so that a column is loaded and interleaved once for all outputs that it is a part of (stride 1). Two outputs of a row
// are computed at once; their columns stand in registers from v0 on, first those that were there before (PREV), then
// those that come in (2 * stride). With stride 1 as many come in as stay: the next two outputs find the columns that
// were there before behind those that come in, from OFFSET on.
#define RIFFLE_BYTES
#include "kernels/simd/neon64_asm.inc"

// Offsets into DepthwiseByteRows.
#define ROWS 0
#define CHANNEL 16
#define ZEROS 24
#define COLUMNS 32
#define PAD_LEFT 48
#define PACKED 56
#define ROW_OUT 72
#define BOUNDS 88

// What is where in the general registers: x0 DepthwiseByteRows, x1 to x4 the rows' next column, x5 to x8 bytes to the
// one behind it, x9 columns left inside the image, x10 outputs left, x11, x12 output rows, x13 bytes to their next
// pixels, x14 bytes to the next output row, x15 biases, factors and zero point, x17 pairs of outputs left that need no
// check, x19 what is added to exact results (requantise_neon64.inc), w20 bounds, 0 for none, x21 the image's next rows,
// x22 output rows left.
// v16 to v21: weights of the first output row, column by column, four channels and four; v22 to v27 of the second.

// Weights as they are packed are rows of the window, 0 w0 w1 w2 a channel: columns, w0 w1 w2 0, by lookups, whose
// indices for the first column are at label 9.
        .macro  load_weight_rows half
        .set    I, 0
        .rept   3
        single  ldr, %(28 + I), x16, %(64 + 32 * I + 16 * \half)
        .set    I, I + 1
        .endr
        .set    I, 0
        .rept   3
        take_column %(16 + 2 * I + \half), %I
        .set    I, I + 1
        .endr
        .endm
        .macro  take_column to, indices
        tbl     v\to\().16b, {v28.16b - v30.16b}, v\indices\().16b
        .endm
        .macro  one_down to, from
        shl     v\to\().4s, v\from\().4s, #8
        .endm
        .macro  load_columns_of_weights
        ldr     x16, [x0, #PACKED]
        adr     x17, 9f
        ldr     q0, [x17]
        movi    v2.16b, #1
        bytes_op add, 1, 0, 2
        bytes_op add, 2, 1, 2
        load_weight_rows 0
        load_weight_rows 1
        .if     R == 2
        .set    I, 16
        .rept   6
        one_down %(I + 6), %I
        .set    I, I + 1
        .endr
        .endif
        .endm

// Where a row of the image begins, as x(pointer) and x(step); x16 the channel, x17 the row that is outside, x9 any.
        .macro  next_row pointer, step, offset
        ldp     x\pointer, x\step, [x21, #\offset]
        add     x9, x\pointer, x16
        cmp     x\pointer, x17
        csel    x\pointer, x\pointer, x9, eq
        .endm

        .macro  zip_bytes to, a, b
        zip1    v\to\().16b, v\a\().16b, v\b\().16b
        .endm
        .macro  zip_words op, to, a, b
        \op     v\to\().8h, v\a\().8h, v\b\().8h
        .endm
// The next column, as v(to) and the one behind it.
        .macro  load_column to
        ld1     {v28.8b}, [x1], x5
        ld1     {v29.8b}, [x2], x6
        ld1     {v30.8b}, [x3], x7
        zip_bytes 28, 28, 29
        .if     R == 2
        ld1     {v31.8b}, [x4], x8
        zip_bytes 30, 30, 31
        .else
        zip_bytes 30, 30, 30
        .endif
        zip_words zip1, \to, 28, 30
        zip_words zip2, %(\to + 1), 28, 30
        .endm
        .macro  outside_column to
        ldr     x16, [x0, #ZEROS]
        all_bytes \to, x16
        all_bytes %(\to + 1), x16
        .endm
        .macro  load_column_checked to
        cbz     x9, 11f
        sub     x9, x9, #1
        load_column \to
        b       12f
11:     outside_column \to
12:
        .endm
        .macro  load_new how
        .set    I, 0
        .rept   2 * S
        \how    %(2 * ((PREV + I + OFFSET) % (PREV + 2 * S)))
        .set    I, I + 1
        .endr
        .endm

        .macro  sdot_one acc, quads, weights
        sdot    v\acc\().4s, v\quads\().16b, v\weights\().16b
        .endm
        .macro  move to, from
        mov     v\to\().16b, v\from\().16b
        .endm
// Two outputs of each row, as bytes in the first register of a row's results. Those stand where the columns that are
// not needed any more were, and where the sums of the row before were.
        .macro  compute
        .set    V, 0
        .rept   R
        several ld1, %(ACC + 4 * V), %(ACC + 4 * V + 3), x15
        .set    V, V + 1
        .endr
        .set    K, 0            // the column of the window
        .rept   3
        .set    I, 0            // the output
        .rept   2
        .set    V, 0            // its row
        .rept   R
        .set    C, 2 * ((I * S + K + OFFSET) % (PREV + 2 * S))
        sdot_one %(ACC + 4 * V + 2 * I), %C, %(16 + 6 * V + 2 * K)
        sdot_one %(ACC + 4 * V + 2 * I + 1), %(C + 1), %(16 + 6 * V + 2 * K + 1)
        .set    V, V + 1
        .endr
        .set    I, I + 1
        .endr
        .set    K, K + 1
        .endr
        pair    ldp, 28, 29, x15, 64
        .if     EXACT_SUMS
        for_each_row exact_row
        .else
        single  ldr, 30, x15, 96
        for_each_row rounded_row
        .endif
        cbz     w20, 13f
        add     x16, x0, #(BOUNDS + 2)
        all_bytes 28, x16
        add     x16, x0, #(BOUNDS + 3)
        all_bytes 29, x16
        for_each_row bound_row
13:
        .endm
        .macro  for_each_row do
        .set    ROW_SUMS, ACC
        .set    RESULTS, 2 * OFFSET
        .rept   R
        \do
        .set    RESULTS, ROW_SUMS
        .set    ROW_SUMS, ROW_SUMS + 4
        .endr
        .endm
        .macro  exact_row
        several ld1, %RESULTS, %(RESULTS + 3), x19
        .set    I, 0
        .rept   4
        lanes   fmla, %(RESULTS + I), %(ROW_SUMS + I), %(28 + I % 2)
        .set    I, I + 1
        .endr
        words_op uzp1, %RESULTS, %RESULTS, %(RESULTS + 1)
        words_op uzp1, %(RESULTS + 2), %(RESULTS + 2), %(RESULTS + 3)
        bytes_of %RESULTS, %RESULTS
        bytes_of_2 %RESULTS, %(RESULTS + 2)
        .endm
        .macro  rounded_row
        .set    I, 0
        .rept   4
        one_op  scvtf, %(ROW_SUMS + I), %(ROW_SUMS + I)
        lanes   fmul, %(ROW_SUMS + I), %(ROW_SUMS + I), %(28 + I % 2)
        one_op  fcvtns, %(ROW_SUMS + I), %(ROW_SUMS + I)
        .set    I, I + 1
        .endr
        .set    I, 0
        .rept   2
        widen_sums %(RESULTS + 2 * I), %(ROW_SUMS + 2 * I)
        widen_sums_2 %(RESULTS + 2 * I), %(ROW_SUMS + 2 * I + 1)
        words_op sqadd, %(RESULTS + 2 * I), %(RESULTS + 2 * I), 30
        .set    I, I + 1
        .endr
        bytes_of %RESULTS, %RESULTS
        bytes_of_2 %RESULTS, %(RESULTS + 2)
        .endm
        .macro  bound_row
        bytes_op smax, %RESULTS, %RESULTS, 28
        bytes_op smin, %RESULTS, %RESULTS, 29
        .endm

        .macro  store_output half
        .set    HALF, \half
        .set    V, 0
        for_each_row store_row
        .endm
        .macro  store_row
        store_half %RESULTS, %HALF, %(11 + V)
        .set    V, V + 1
        .endm
        .macro  store_half from, half, pointer
        st1     {v\from\().d}[\half], [x\pointer], x13
        .endm
        .macro  keep_columns
        .set    I, 0
        .rept   2 * PREV
        move    %I, %(4 * S + I)
        .set    I, I + 1
        .endr
        .endm

        .macro  two_outputs
        load_new load_column
        compute
        store_output 0
        store_output 1
        .endm

        .macro  depthwise rows, stride, exact
        .set    OFFSET, 0
        .set    R, \rows
        .set    S, \stride
        .set    PREV, 3 - S
        .set    ACC, 16 - 4 * R
        .set    EXACT_SUMS, \exact
        .p2align 4
        .globl  SYMBOL(riffle_depthwise_bytes_\rows\()x\stride\()_\exact\()ISA)
        HIDDEN(riffle_depthwise_bytes_\rows\()x\stride\()_\exact\()ISA)
        TYPE(riffle_depthwise_bytes_\rows\()x\stride\()_\exact\()ISA)
SYMBOL(riffle_depthwise_bytes_\rows\()x\stride\()_\exact\()ISA):
        save_general
        save_registers
        load_columns_of_weights
        ldp     x21, x22, [x0, #ROWS]
        ldp     x15, x11, [x0, #(PACKED + 8)]
        ldr     x13, [x0, #(ROW_OUT + 8)]
        add     x19, x15, #112
        ldrh    w20, [x0, #(BOUNDS + 2)]
        eor     w20, w20, #0x7f80       // from -128 to 127

1:      // Rows of outputs.
        ldp     x16, x17, [x0, #CHANNEL]
        next_row 1, 5, 0
        next_row 2, 6, 16
        next_row 3, 7, 32
        .if     R == 2
        next_row 4, 8, 48
        .endif
        add     x21, x21, #(16 * R * S)
        ldp     x9, x10, [x0, #COLUMNS]
        .if     R == 2
        mul     x14, x10, x13
        add     x12, x11, x14
        .endif
        // The columns in front of the first that comes in.
        ldr     x17, [x0, #PAD_LEFT]
        .if     S == 1
        cbnz    x17, 2f
        load_column_checked 0
        b       3f
2:      outside_column 0
3:      load_column_checked 2
        .else
        cbnz    x17, 2f
        load_column_checked 0
        b       3f
2:      outside_column 0
3:
        .endif
        lsr     x17, x10, #1
        lsr     x16, x9, #\stride
        cmp     x16, x17
        csel    x17, x16, x17, lo
        sub     x10, x10, x17, lsl #1
        sub     x9, x9, x17, lsl #\stride
        cbz     x17, 5f
4:
        two_outputs
        .if     S == 1
        subs    x17, x17, #1
        b.eq    6f
        .set    OFFSET, 2
        two_outputs
        .set    OFFSET, 0
        subs    x17, x17, #1
        b.ne    4b
        b       5f
6:      keep_columns
        .else
        keep_columns
        subs    x17, x17, #1
        b.ne    4b
        .endif

5:      cbz     x10, 7f
        load_new load_column_checked
        compute
        store_output 0
        subs    x10, x10, #1
        b.eq    7f
        store_output 1
        keep_columns
        sub     x10, x10, #1
        b       5b
7:
        .if     R == 2
        mov     x11, x12
        .endif
        subs    x22, x22, #R
        b.ne    1b
        restore_registers
        restore_general
        ret
        .p2align 4
9:      .word   0xf0211101, 0xf0251505, 0xf0291909, 0xf02d1d0d
        SIZE(riffle_depthwise_bytes_\rows\()x\stride\()_\exact\()ISA)
        .endm

        .irp    exact, 0, 1
        depthwise 1, 1, \exact
        depthwise 2, 1, \exact
        depthwise 1, 2, \exact
        .endr

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
