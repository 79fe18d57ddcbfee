// The inputs of register tiles of bfmmla (dots_neon64bf16.S): tile by tile, four inputs of each of its pairs of pixels
// after the other.
#define RIFFLE_BFLOATS
#include "kernels/simd/neon64_asm.inc"

// Calls `which` for each pair of the tile, P, with registers of its own from v(T) on, none of which is to be saved.
        .macro  for_pairs which
        .set    P, 0
        .rept   PAIRS
        .set    T, 4 * P + P / 2 * 20
        \which
        .set    P, P + 1
        .endr
        .endm
        .macro  function name
        .p2align 4
        .globl  SYMBOL(riffle_\name\()ISA)
        HIDDEN(riffle_\name\()ISA)
        TYPE(riffle_\name\()ISA)
SYMBOL(riffle_\name\()ISA):
        .endm

// Pixels of one distance: x0 the first, x1 bytes to the next, x2 inputs, x3 where they go, x4 tiles. The last inputs that
// are no whole four are filled up with zeros; up to 7 numbers behind a pixel's last one are read.
//
//   x5 .. x10   the tile's pixels, pair by pair
//   x11         inputs left
//   x12         the mask of those that are no whole eight
//   v16 ..      what is stored
//
// 16 inputs of 6 pixels: 6 loads, 12 zips, 3 stores, 2 of loop.
        .set    OUT, 16

        .macro  load_pixels_of a, b
        .if     INPUTS_AT_ONCE == 16
        next_pair %T, %(T + 1), \a
        next_pair %(T + 2), %(T + 3), \b
        .else
        next_single %T, \a
        next_single %(T + 2), \b
        .endif
        .endm
        .macro  load_pair
        .if     P == 0
        load_pixels_of x5, x6
        .elseif P == 1
        load_pixels_of x7, x8
        .else
        load_pixels_of x9, x10
        .endif
        .endm
        .macro  zip     op, to, a, b
        \op     v\to\().2d, v\a\().2d, v\b\().2d
        .endm
        .macro  zip_pair
        zip     zip1, %(OUT + P), %T, %(T + 2)
        zip     zip2, %(OUT + PAIRS + P), %T, %(T + 2)
        .if     INPUTS_AT_ONCE == 16
        zip     zip1, %(OUT + 2 * PAIRS + P), %(T + 1), %(T + 3)
        zip     zip2, %(OUT + 3 * PAIRS + P), %(T + 1), %(T + 3)
        .endif
        .endm
        .macro  store_from first, count
        several_next st1, %(\first), %(\first + \count - 1), x3, %(16 * \count)
        .endm
        .macro  store_registers count
        .set    I, 0
        .rept   \count / 4
        store_from %(OUT + I), 4
        .set    I, I + 4
        .endr
        .if     \count % 4
        store_from %(OUT + I), %(\count % 4)
        .endif
        .endm
// v1, which pair 0 has no use for where eights are loaded.
        .macro  mask_number a
        and     v\a\().16b, v\a\().16b, v1.16b
        .endm
        .macro  mask_pair
        mask_number %T
        mask_number %(T + 2)
        .endm
        .macro  pixel_after to, from
        add     \to, \from, x1
        .endm

        .macro  arrange pairs
        .set    PAIRS, \pairs
        function arrange_\pairs
        adr     x12, 8f
        and     x9, x2, #7
        sub     x12, x12, x9, lsl #1
1:      mov     x5, x0
        pixel_after x6, x5
        .if     PAIRS > 1
        pixel_after x7, x6
        pixel_after x8, x7
        .endif
        .if     PAIRS > 2
        pixel_after x9, x8
        pixel_after x10, x9
        .endif
        .set    LAST, 4 + 2 * PAIRS
        next_tile %LAST
        subs    x11, x2, #16
        b.lt    3f
        .set    INPUTS_AT_ONCE, 16
2:      for_pairs load_pair
        for_pairs zip_pair
        store_registers %(4 * PAIRS)
        subs    x11, x11, #16
        b.ge    2b
3:      .set    INPUTS_AT_ONCE, 8
        tbz     x11, #3, 4f
        for_pairs load_pair
        for_pairs zip_pair
        store_registers %(2 * PAIRS)
4:      ands    x11, x11, #7
        b.eq    5f
        for_pairs load_pair
        ldr     q1, [x12]
        for_pairs mask_pair
        for_pairs zip_pair
        store_registers %PAIRS
        cmp     x11, #4
        b.le    5f
        store_from %(OUT + PAIRS), %PAIRS
5:      subs    x4, x4, #1
        b.ne    1b
        ret
        SIZE(riffle_arrange_\pairs\()ISA)
        .endm
        .macro  next_tile last
        pixel_after x0, x\last
        .endm

        arrange 1
        arrange 2
        arrange 3
// From here 16 bytes are a mask of nothing; from so many numbers before, of as many.
        .p2align 4
        .quad   -1, -1
8:      .quad   0, 0

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
