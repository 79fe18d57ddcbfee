// Channel runs of neighbouring pixels, one run after the other in a row a pixel, of numbers of any type: gather.hpp.
//
// A run: 8 instructions, and of each of its pieces, of up to 16, 32 or 64 bytes, a load and a store a pixel and half an
// instruction of loop, and 8.
#include "kernels/simd/neon64_asm.inc"

// x0 next run, x1 runs left, x2 the first pixel, x3 where the run's bytes go in the first row, x4 bytes to the next row,
// x5 pixels; x6 the run's bytes of the first pixel, x7 bytes to the next pixel, x8 those left, x10 where they go; x11, x12
// the same of a pixel, x13 pixels left.

// A piece of \registers registers, of \pixels pixels from x11 to x12.
        .macro  copy_one op, first, registers, pointer, stride
        several_next \op, %(\first), %(\first + \registers - 1), \pointer, \stride
        .endm
        .macro  copy_pixels op, pixels, registers, pointer, stride
        .set    I, 0
        .rept   \pixels
        copy_one \op, %(4 * I + I / 2 * 8), \registers, \pointer, \stride
        .set    I, I + 1
        .endr
        .endm
        .macro  copy    pixels, registers
        copy_pixels ld1, \pixels, \registers, x11, x7
        copy_pixels st1, \pixels, \registers, x12, x4
        .endm
        .macro  copy_piece registers
        mov     x11, x6
        mov     x12, x10
        subs    x13, x5, #4
        b.lt    7f
6:      copy    4, \registers
        subs    x13, x13, #4
        b.ge    6b
7:      tbz     x13, #1, 8f
        copy    2, \registers
8:      tbz     x13, #0, 9f
        copy    1, \registers
9:
        .endm
        .macro  behind  bytes
        subs    x8, x8, #\bytes
        b.le    5f
        add     x6, x6, #\bytes
        add     x10, x10, #\bytes
        .endm

        .p2align 4
        .globl  SYMBOL(riffle_gather_neon64)
        HIDDEN(riffle_gather_neon64)
        TYPE(riffle_gather_neon64)
SYMBOL(riffle_gather_neon64):
1:      ldp     x8, x9, [x0, #16]
        ldp     x6, x7, [x0], #32
        madd    x6, x2, x7, x6
        mov     x10, x3
        add     x3, x3, x9
2:      cmp     x8, #16
        b.le    4f
        cmp     x8, #48
        b.gt    3f
        copy_piece 2
        behind  32
        b       2b
3:      copy_piece 4
        behind  64
        b       2b
4:      copy_piece 1
5:      subs    x1, x1, #1
        b.ne    1b
        ret
        SIZE(riffle_gather_neon64)

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
