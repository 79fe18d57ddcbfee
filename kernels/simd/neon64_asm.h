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

// Down to 64 bytes below the caller's stack.
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
// Vectors a to b, by ld1 or st1; x16 bytes further in the second form.
        .macro  several op, a, b, pointer
        .if     \b - \a
        \op     {v\a\().4s - v\b\().4s}, [\pointer]
        .else
        \op     {v\a\().4s}, [\pointer]
        .endif
        .endm
        .macro  several_next op, a, b, pointer
        .if     \b - \a
        \op     {v\a\().4s - v\b\().4s}, [\pointer], x16
        .else
        \op     {v\a\().4s}, [\pointer], x16
        .endif
        .endm

// A register tile: MR pixels x NV vectors of sums from v0 on, pixel after pixel.

// The sums start from the bias at x2, or from pixels x16 bytes apart.
        .macro  load_bias
        .set    I, 0
        .rept   MR
        several ld1, %(I * NV), %(I * NV + NV - 1), x2
        .set    I, I + 1
        .endr
        .endm
        .macro  load_pixels pointer
        .set    I, 0
        .rept   MR
        several_next ld1, %(I * NV), %(I * NV + NV - 1), \pointer
        .set    I, I + 1
        .endr
        .endm

// A pixel whose last vector is not whole: w8, in bits 2 and 3, says how many columns it has.
        .macro  store_columns acc
        tbz     w8, #3, 11f
        str     d\acc, [x9], #8
        tbz     w8, #2, 12f
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
        add     x6, x6, x16
        store_columns %(\m * NV + NV - 1)
        .endm

        .macro  for_accumulators op, operand
        .set    I, 0
        .rept   MR * NV
        lanes   \op, %I, %I, \operand
        .set    I, I + 1
        .endr
        .endm

// The tile's sums are clamped and stored. x0: the bounds; w8: a Strip's form; x6: the first pixel, and then the one behind
// the last; x16: bytes to the next pixel. Uses x9.
        .macro  finish_tile
        tbz     w8, #0, 10f
        ld1r    {v31.4s}, [x0]
        for_accumulators fmax, 31
        tbz     w8, #1, 10f
        add     x9, x0, #4
        ld1r    {v31.4s}, [x9]
        for_accumulators fmin, 31
10:     tst     w8, #12
        b.eq    16f
        .set    I, 0
        .rept   MR
        store_partial %I
        .set    I, I + 1
        .endr
        b       17f
16:     .set    I, 0
        .rept   MR
        several_next st1, %(I * NV), %(I * NV + NV - 1), x6
        .set    I, I + 1
        .endr
17:
        .endm
