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

// A register tile: MR pixels x NV vectors of sums from v0 on, pixel after pixel.

// x16: bytes to the next pixel.
        .macro  advance to, from
        add     x\to, x\from, x16
        .endm
// One pixel's outputs, from or to memory.
        .macro  transfer m, pairs, one, pointer
        .if     NV >= 2
        pair    \pairs, %(\m * NV), %(\m * NV + 1), \pointer, 0
        .endif
        .if     NV == 1
        single  \one, %(\m), \pointer, 0
        .elseif NV == 3
        single  \one, %(\m * NV + 2), \pointer, 32
        .endif
        .endm

// The last vector of a pixel, of which x8 (in bits 2 and 3) says how many columns there are.
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
        .if     NV == 3
        pair    stp, %(\m * NV), %(\m * NV + 1), x6, 0
        .elseif NV == 2
        single  str, %(\m * NV), x6, 0
        .endif
        add     x9, x6, #(16 * NV - 16)
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
        advance 6, 6
        .set    I, I + 1
        .endr
        b       17f
16:     .set    I, 0
        .rept   MR
        transfer %I, stp, str, x6
        advance 6, 6
        .set    I, I + 1
        .endr
17:
        .endm
