// The register tile of bf16 by bfmmla, whole strips of it: see pointwise/dots_body.hpp for what is read and
// dot_strip.hpp for the arguments.
//
//   sums of pixels a, b and outputs m, n:      a.m a.n b.m b.n
//
//   registers   v0 to v2     activations, four inputs of a pair of pixels each
//               v3 to v6     weights, four inputs of a pair of outputs each
//               v8 to v31    sums, pair of pixels after pair of pixels
//
// Four inputs of 6 pixels x 16 outputs: 384 multiply-adds by 24 bfmmla, 3 loads, a quarter of an instruction of loop.
// Its beginning and end: 6 loads of the bias, 24 roundings, 12 uzp, 6 stores, 12 smax where it ends with a ReLU, and 12
// of loop.
#define RIFFLE_BFLOATS
#include "kernels/simd/neon64_asm.inc"

// Offsets into DotStrip.
#define BIAS 8
#define INPUTS 24
#define OUT 40
#define OUT_STRIDE 56
#define RESIDUAL 72
#define WAITING 88
#define SUMS 8
#define W 3
#define BOUND 4

// What is where in the general registers: x0 DotStrip, x1 weights, x2 bias, x3 activations, x4 dots, x5 those left,
// x6 output, x7 the first weights, x8 residual, x11 the bias' second half, x12 where the dots begin, x17 tiles left, x19
// sums that wait, x20 bytes between residuals, x21 bytes between output pixels, w22 form.

// Some registers in fours: all sums of a pair of pixels.
        .macro  sums_next op, first, pointer
        .if     PAIRS > 4
        several_next \op, %(\first), %(\first + 3), \pointer, 64
        several_next \op, %(\first + 4), %(\first + PAIRS - 1), \pointer, %(16 * PAIRS - 64)
        .else
        several_next \op, %(\first), %(\first + PAIRS - 1), \pointer, %(16 * PAIRS)
        .endif
        .endm

        .macro  bias    first
        .if     PAIRS > 4
        several ld1, \first, %(\first + 3), x2
        several ld1, %(\first + 4), %(\first + PAIRS - 1), x11
        .else
        several ld1, \first, %(\first + PAIRS - 1), x2
        .endif
        .endm
        .macro  bfmmla_one acc, x, weight
        bfmmla  v\acc\().4s, v\x\().8h, v\weight\().8h
        .endm
        .macro  some_outputs first, count
        several_next ld1, %(W), %(W + \count - 1), x1, %(16 * \count)
        .set    J, 0
        .rept   \count
        .set    I, 0
        .rept   MR
        bfmmla_one %(SUMS + I * PAIRS + \first + J), %(I), %(W + J)
        .set    I, I + 1
        .endr
        .set    J, J + 1
        .endr
        .endm
// All of a tile's dots. Their number is no multiple of those in the loop, so that it is entered in the middle, at x12,
// as if the missing ones had been there before.
        .set    DOTS, 8
        .macro  find_entry
        neg     x9, x4
        and     x9, x9, #(DOTS - 1)
        add     x4, x4, x9
        mov     x10, #(4 * (2 + PAIRS / 5 + MR * PAIRS))    // bytes of a dot's instructions
        adr     x12, 90f
        madd    x12, x9, x10, x12
        .endm
        .macro  dots
        mov     x5, x4
        br      x12
90:     .rept   DOTS
        dot
        .endr
        subs    x5, x5, #DOTS
        b.ne    90b
        .endm
        .macro  dot
        several_next ld1, 0, %(MR - 1), x3, %(16 * MR)
        .if     PAIRS > 4
        some_outputs 0, 4
        some_outputs 4, %(PAIRS - 4)
        .else
        some_outputs 0, %(PAIRS)
        .endif
        .endm

// The pixels of a pair, whose numbers of bf16 are in v0, v1 and in v2, v3.
        .macro  move_pixel op, a, b, pointer, stride
        .if     NV == 4
        \op\()1 {v\a\().8h, v\b\().8h}, [\pointer], \stride
        .elseif NV == 3
        \op\()r q\a, [\pointer]
        \op\()r d\b, [\pointer, #16]
        add     \pointer, \pointer, \stride
        .elseif NV == 2
        \op\()1 {v\a\().8h}, [\pointer], \stride
        .else
        \op\()1 {v\a\().4h}, [\pointer], \stride
        .endif
        .endm
        .macro  store_pixel a, b
        move_pixel st, \a, \b, x6, x21
        .endm
// As many bytes of the last vector as w22 says from bit 2 on; not all 8.
        .macro  store_rest a
        tbz     w22, #4, 12f
        str     s\a, [x9], #4
        ext     v\a\().16b, v\a\().16b, v\a\().16b, #4
12:     tbz     w22, #3, 13f
        str     h\a, [x9]
13:     add     x6, x6, x21
        .endm
        .macro  next_vector a
        str     d\a, [x9], #8
        ext     v\a\().16b, v\a\().16b, v\a\().16b, #8
        .endm
        .macro  store_part_pixel a, b
        mov     x9, x6
        .if     NV > 2
        str     q\a, [x9], #16
        .if     NV == 4
        next_vector \b
        .endif
        store_rest \b
        .else
        .if     NV == 2
        next_vector \a
        .endif
        store_rest \a
        .endif
        .endm

// Four outputs of two pixels: a.0 a.1 b.0 b.1 a.2 a.3 b.2 b.3.
        .macro  narrow_pair a, b
        bfcvtn  v\a\().4h, v\a\().4s
        bfcvtn2 v\a\().8h, v\b\().4s
        .endm
        .macro  take_apart to_a, to_b, low, high
        uzp1    v\to_a\().4s, v\low\().4s, v\high\().4s
        uzp2    v\to_b\().4s, v\low\().4s, v\high\().4s
        .endm
        .macro  narrow_all
        .set    I, 0
        .rept   MR * NV
        narrow_pair %(SUMS + 2 * I), %(SUMS + 2 * I + 1)
        .set    I, I + 1
        .endr
        .endm
        .macro  store_pairs how
        .set    I, SUMS
        .rept   MR
        .if     NV > 1
        take_apart 0, 2, %(I), %(I + 2)
        .else
        take_apart 0, 2, %(I), %(I)
        .endif
        .if     NV == 4
        take_apart 1, 3, %(I + 4), %(I + 6)
        .elseif NV == 3
        take_apart 1, 3, %(I + 4), %(I + 4)
        .endif
        \how    0, 1
        \how    2, 3
        .set    I, I + PAIRS
        .endr
        .endm

        .macro  add_four op, half, acc, a, b
        \op     v4.4s, v\a\().4s, v\b\().4s
        shll    v5.4s, v4.4h, #16
        shll2   v6.4s, v4.8h, #16
        add_one \acc, 5
        add_one %(\acc + 1), 6
        .endm
        .macro  add_one acc, x
        fadd    v\acc\().4s, v\acc\().4s, v\x\().4s
        .endm
        .macro  add_residuals
        .set    I, SUMS
        .rept   MR
        move_pixel ld, 0, 1, x8, x20
        move_pixel ld, 2, 3, x8, x20
        .set    V, 0
        .rept   NV
        .if     V % 2
        add_four zip2, 1, %(I + 2 * V), %(V / 2), %(2 + V / 2)
        .else
        add_four zip1, 0, %(I + 2 * V), %(V / 2), %(2 + V / 2)
        .endif
        .set    V, V + 1
        .endr
        .set    I, I + PAIRS
        .endr
        .endm
// A ReLU behind rounding: below 0 are the numbers whose bits are those of negative integers. The NaN that bfmmla makes is
// a positive one.
        .macro  relu    a
        smax    v\a\().8h, v\a\().8h, v0.8h
        .endm
        .macro  relu_all
        movi    v0.16b, #0
        .set    I, 0
        .rept   MR * NV
        relu    %(SUMS + 2 * I)
        .set    I, I + 1
        .endr
        .endm
        .macro  bound_all op
        .set    I, 0
        .rept   MR * PAIRS
        lanes   \op, %(SUMS + I), %(SUMS + I), %(BOUND)
        .set    I, I + 1
        .endr
        .endm

        .macro  strip pairs, vectors
        .set    MR, \pairs
        .set    NV, \vectors
        .set    PAIRS, 2 * NV
        .p2align 4
        .globl  SYMBOL(riffle_dots_\pairs\()x\vectors\()ISA)
        HIDDEN(riffle_dots_\pairs\()x\vectors\()ISA)
        TYPE(riffle_dots_\pairs\()x\vectors\()ISA)
SYMBOL(riffle_dots_\pairs\()x\vectors\()ISA):
        save_general
        save_registers
        ldp     x8, x20, [x0, #RESIDUAL]
        ldp     x21, x22, [x0, #OUT_STRIDE]
        ldp     x6, x17, [x0, #OUT]
        ldp     x3, x4, [x0, #INPUTS]
        ldp     x2, x7, [x0, #BIAS]
        ldr     x19, [x0, #WAITING]
        add     x11, x2, #64
        find_entry
        // A residual may bring a negative NaN, so that its ReLU is a bound like others.
        cbz     x8, 1f
        tbz     w22, #8, 1f
        eor     w22, w22, #256
        orr     w22, w22, #1

1:      // A tile.
        mov     x1, x7
        tbnz    w22, #6, 5f
        .set    I, 0
        .rept   MR
        bias    %(SUMS + I * PAIRS)
        .set    I, I + 1
        .endr
6:      dots
        tbnz    w22, #9, 7f
16:     narrow_all
        tbz     w22, #8, 14f
        relu_all
14:     tst     w22, #60
        b.ne    19f
        store_pairs store_pixel
17:     subs    x17, x17, #1
        b.ne    1b

        restore_registers
        restore_general
        ret

        // Out of line: sums that wait for more inputs, a residual, bounds that are no ReLU's, a part of the columns.
5:      mov     x9, x19
        .set    I, 0
        .rept   MR
        sums_next ld1, %(SUMS + I * PAIRS), x9
        .set    I, I + 1
        .endr
        b       6b
7:      tbnz    w22, #7, 8f
        cbz     x8, 18f
        add_residuals
18:     tbz     w22, #0, 16b
        all_lanes %(BOUND), x0
        bound_all fmax
        tbz     w22, #1, 16b
        add     x9, x0, #4
        all_lanes %(BOUND), x9
        bound_all fmin
        b       16b
8:      .set    I, 0
        .rept   MR
        sums_next st1, %(SUMS + I * PAIRS), x19
        .set    I, I + 1
        .endr
        b       17b
19:     store_pairs store_part_pixel
        b       17b
        SIZE(riffle_dots_\pairs\()x\vectors\()ISA)
        .endm

        .irp    pairs, 1, 2, 3
        strip   \pairs, 1
        strip   \pairs, 2
        strip   \pairs, 3
        strip   \pairs, 4
        .endr

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
