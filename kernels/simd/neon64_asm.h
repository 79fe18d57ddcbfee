// What the assembly for AArch64 shares: functions for ELF and for Mach-O, hidden in the library that they are part of;
// callee-saved registers; and instructions on registers whose numbers are computed (.altmacro: "%(expression)").
#pragma once

#ifdef __APPLE__
#define SYMBOL(name) _##name
#define HIDDEN(name) .private_extern SYMBOL(name)
#define TYPE(name)
#define SIZE(name)
#else
#define SYMBOL(name) name
#define HIDDEN(name) .hidden name
#define TYPE(name) .type name, %function
#define SIZE(name) .size name, .-name
#endif

        .altmacro
        .text

// v8 to v15, which takes 64 bytes of stack; x19 to x22, which takes 32.
        .macro  save_general
        stp     x19, x20, [sp, #-32]!
        stp     x21, x22, [sp, #16]
        .endm
        .macro  restore_general
        ldp     x21, x22, [sp, #16]
        ldp     x19, x20, [sp], #32
        .endm
        .macro  save_registers
        stp     d8, d9, [sp, #-64]!
        stp     d10, d11, [sp, #16]
        stp     d12, d13, [sp, #32]
        stp     d14, d15, [sp, #48]
        .endm
        .macro  restore_registers
        ldp     d10, d11, [sp, #16]
        ldp     d12, d13, [sp, #32]
        ldp     d14, d15, [sp, #48]
        ldp     d8, d9, [sp], #64
        .endm

        .macro  fmla_lane acc, weight, x, lane
        fmla    v\acc\().4s, v\weight\().4s, v\x\().s[\lane]
        .endm
        .macro  lanes op, to, a, b
        \op     v\to\().4s, v\a\().4s, v\b\().4s
        .endm
        .macro  pair op, a, b, pointer, offset
        \op     q\a, q\b, [\pointer, #\offset]
        .endm
        .macro  single op, a, pointer, offset
        \op     q\a, [\pointer, #\offset]
        .endm
        .macro  next_pair a, b, pointer
        ldp     q\a, q\b, [\pointer], #32
        .endm
        .macro  next_single a, pointer
        ldr     q\a, [\pointer], #16
        .endm
// Vectors a to b, by ld1 or st1; the second form moves the pointer on.
        .macro  several op, a, b, pointer
        .if     \b - \a
        \op     {v\a\().4s - v\b\().4s}, [\pointer]
        .else
        \op     {v\a\().4s}, [\pointer]
        .endif
        .endm
        .macro  several_next op, a, b, pointer, stride
        .if     \b - \a
        \op     {v\a\().4s - v\b\().4s}, [\pointer], \stride
        .else
        \op     {v\a\().4s}, [\pointer], \stride
        .endif
        .endm

// A register tile: MR pixels x NV vectors of sums from v0 on, pixel after pixel.

// The sums start from the bias at x2, or from pixels in memory.
        .macro  load_bias
        .set    I, 0
        .rept   MR
        several ld1, %(I * NV), %(I * NV + NV - 1), x2
        .set    I, I + 1
        .endr
        .endm
        .macro  load_pixels pointer, stride
        .set    I, 0
        .rept   MR
        several_next ld1, %(I * NV), %(I * NV + NV - 1), \pointer, \stride
        .set    I, I + 1
        .endr
        .endm

// A pixel whose last vector is not whole: w22, in bits 2 and 3, says how many columns it has.
        .macro  store_columns acc
        tbz     w22, #3, 11f
        str     d\acc, [x9], #8
        tbz     w22, #2, 12f
        st1     {v\acc\().s}[2], [x9]
        b       12f
11:     str     s\acc, [x9]
12:
        .endm
        .macro  store_partial m
        .if     NV > 1
        several st1, %(\m * NV), %(\m * NV + NV - 2), x6
        .endif
        add     x9, x6, #(16 * NV - 16)
        add     x6, x6, x21
        store_columns %(\m * NV + NV - 1)
        .endm

        .macro  for_accumulators op, operand
        .set    I, 0
        .rept   MR * NV
        lanes   \op, %I, %I, \operand
        .set    I, I + 1
        .endr
        .endm

// The tile's sums are clamped and stored. x0: the bounds; w22: a Strip's form; x6: the first pixel, and then the one
// behind the last; x21: bytes to the next pixel; v31: the lower bound, if `bound`. Uses x9 and v31.
        .macro  finish_tile bound
        .if     \bound == 0
        ld1r    {v31.4s}, [x0]
        .endif
        cmp     w22, #1
        b.ne    18f
        for_accumulators fmax, 31
10:     .set    I, 0
        .rept   MR
        several_next st1, %(I * NV), %(I * NV + NV - 1), x6, x21
        .set    I, I + 1
        .endr
        .endm
// The rest of it, out of line: a tile that is not just clamped from below. 17 is what follows finish_tile.
        .macro  finish_tile_otherwise bound
18:     tbz     w22, #0, 19f
        for_accumulators fmax, 31
        tbz     w22, #1, 19f
        add     x9, x0, #4
        ld1r    {v31.4s}, [x9]
        for_accumulators fmin, 31
        .if     \bound
        ld1r    {v31.4s}, [x0]
        .endif
19:     tst     w22, #12
        b.eq    10b
        .set    I, 0
        .rept   MR
        store_partial %I
        .set    I, I + 1
        .endr
        b       17b
        .endm
