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
