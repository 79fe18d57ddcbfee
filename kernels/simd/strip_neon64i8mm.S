// The register tile of bytes by smmla, whole strips of it: two pixels times two outputs a vector of sums, eight channels
// at a time. See pointwise/bytes_body.hpp for what is read, byte_panels.hpp for the weights (by eights) and
// byte_strip.hpp for the arguments.
//
//   sums of pixels a, b and outputs m, n:      a.m a.n b.m b.n
//
//   registers   v0 to v3, v8 to v11     activations, a register a pair of pixels, for eight channels and for the next
//               v4 to v7, v12 to v15    weights, a register a pair of outputs, likewise
//               v16 to v31              sums, pair of pixels after pair of pixels
//
// Sixteen channels of 8 pixels x 8 outputs: 1024 multiply-adds by 32 smmla, 4 loads, and every second time 2 instructions of
// loop, which is entered in its middle where there is an odd number of them. Activations stand in the order of their
// use, as weights do: nothing is read behind either.
#define RIFFLE_BYTES
#define RIFFLE_PAIRS
#include "kernels/simd/neon64_asm.inc"

// Offsets into ByteStrip.
#define BIAS 8
#define ACTIVATIONS 32
#define OUT 48
#define OUT_STRIDE 64
#define RESIDUAL 80
#define PANELS 104

// What is where in the general registers: x0 ByteStrip, x1 weights, x2 bias, x3 activations, x4 eights of channels,
// x5 those left, x6 output, x7 panels left, x8 residual, x10 the panel's first column in the output, x11 bytes of a panel,
// x17 tiles left, x19 panel: biases, factors, weights, x20 bytes between the residual's pixels, x21 bytes between output
// pixels, w22 form.

        .macro  factors_at width
        add     x9, x19, #(16 * \width)
        .endm

        .macro  load_eight set
        several_next ld1, %(\set * 8), %(\set * 8 + MR - 1), x3, %(16 * MR)
        several_next ld1, %(\set * 8 + 4), %(\set * 8 + 3 + PAIRS), x1, %(16 * PAIRS)
        .endm
        .macro  smmla_one acc, x, weight
        smmla   v\acc\().4s, v\x\().16b, v\weight\().16b
        .endm
        .macro  multiply_eight set
        .set    V, 0
        .rept   PAIRS
        .set    I, 0
        .rept   MR
        smmla_one %(SUMS + I * PAIRS + V), %(\set * 8 + I), %(\set * 8 + 4 + V)
        .set    I, I + 1
        .endr
        .set    V, V + 1
        .endr
        .endm

        .macro  two_eights
        load_eight 0
        load_eight 1
        multiply_eight 0
        multiply_eight 1
        .endm

        .macro  residual_words to, low, high
        zip1    v\to\().8h, v\low\().8h, v\high\().8h
        .endm
        .macro  widen_bytes op, to, from, half
        \op     v\to\().8h, v\from\().\half, #0
        .endm
        .macro  load_bytes to
        .if     NV == 2
        ld1     {v\to\().8b}, [x8], x20
        .else
        ld1     {v\to\().s}[0], [x8], x20
        .endif
        .endm
// The residuals of two pixels, at x8, in v0 where their sums are.
        .macro  load_residual_pair
        load_bytes 0
        load_bytes 1
        residual_words 0, 0, 1
        .endm
        .macro  join_residual_pair
        load_residual_pair
        add_residual saddw, %(RESULTS + I * PAIRS), 8b
        .if     NV == 2
        add_residual saddw2, %(RESULTS + I * PAIRS + 2), 16b
        .endif
        .endm

// Two pixels' sums become bytes in the first of their vectors, two of a pixel and two of the other.
        .macro  narrow_pair acc, residual
        widen_sums \acc, \acc
        widen_sums_2 \acc, %(\acc + 1)
        .if     NV == 2
        widen_sums %(\acc + 2), %(\acc + 2)
        widen_sums_2 %(\acc + 2), %(\acc + 3)
        .endif
        .if     \residual
        load_residual_pair
        .if     NV == 2
        widen_bytes sshll2, 1, 0, 16b
        .endif
        widen_bytes sshll, 0, 0, 8b
        words_op sqadd, \acc, \acc, 0
        .if     NV == 2
        words_op sqadd, %(\acc + 2), %(\acc + 2), 1
        .endif
        .endif
        words_op sqadd, \acc, \acc, %(ZERO)
        .if     NV == 2
        words_op sqadd, %(\acc + 2), %(\acc + 2), %(ZERO)
        .endif
        bytes_of \acc, \acc
        .if     NV == 2
        bytes_of_2 \acc, %(\acc + 2)
        .endif
        .endm
        .macro  narrow_pairs residual
        .set    I, 0
        .rept   MR
        narrow_pair %(RESULTS + I * PAIRS), \residual
        .set    I, I + 1
        .endr
        .endm

// The first pixels and the second ones of two pairs, or of one.
        .macro  part_pixels a, b
        words_op uzp1, 0, \a, \b
        words_op uzp2, 1, \a, \b
        .endm
        .macro  store_pixel from, half
        .if     NV == 2
        st1     {v\from\().d}[\half], [x6], x21
        .elseif \half
        st1     {v\from\().s}[2], [x6], x21
        .else
        st1     {v\from\().s}[0], [x6], x21
        .endif
        .endm
// As many bytes of a pixel as w22 says from bit 2 on; all 8 of 8 do not come here.
        .macro  store_part_pixel from, half
        mov     x9, x6
        .if     \half
        ext     v\from\().16b, v\from\().16b, v\from\().16b, #8
        .endif
        .if     NV == 2
        tbz     w22, #4, 12f
        str     s\from, [x9], #4
        ext     v\from\().16b, v\from\().16b, v\from\().16b, #4
12:
        .endif
        tbz     w22, #3, 13f
        str     h\from, [x9], #2
        ext     v\from\().16b, v\from\().16b, v\from\().16b, #2
13:     tbz     w22, #2, 15f
        str     b\from, [x9]
15:     add     x6, x6, x21
        .endm
        .macro  store_pairs how
        .set    I, 0
        .rept   MR / 2
        part_pixels %(RESULTS + I * PAIRS), %(RESULTS + I * PAIRS + PAIRS)
        \how    0, 0
        \how    1, 0
        .ifc    \how, store_part_pixel
        part_pixels %(RESULTS + I * PAIRS), %(RESULTS + I * PAIRS + PAIRS)
        .endif
        \how    0, 1
        \how    1, 1
        .set    I, I + 2
        .endr
        .if     MR % 2
        part_pixels %(RESULTS + I * PAIRS), %(RESULTS + I * PAIRS)
        \how    0, 0
        \how    1, 0
        .endif
        .endm

        .macro  strip pairs, vectors
        .set    MR, \pairs
        .set    NV, \vectors
        .set    PAIRS, 2 * NV
        .set    SUMS, 16
        .set    W, SUMS - 2 * PAIRS
        .set    RESULTS, SUMS - PAIRS
        .p2align 4
        .globl  SYMBOL(riffle_strip_\pairs\()x\vectors\()ISA)
        HIDDEN(riffle_strip_\pairs\()x\vectors\()ISA)
        TYPE(riffle_strip_\pairs\()x\vectors\()ISA)
SYMBOL(riffle_strip_\pairs\()x\vectors\()ISA):
        save_general
        save_registers
        sub     sp, sp, #(32 * PAIRS)
        ldp     x8, x20, [x0, #RESIDUAL]
        ldp     x21, x22, [x0, #OUT_STRIDE]
        ldp     x7, x11, [x0, #PANELS]
        ldr     x19, [x0, #BIAS]
        mov     x10, #0

5:      // A panel.
        ldp     x3, x4, [x0, #ACTIVATIONS]
        ldp     x6, x17, [x0, #OUT]
        add     x6, x6, x10
        mov     x2, x19
        prepare_exact %PAIRS

1:      // A tile.
        add     x1, x19, #(32 * PAIRS)
        .set    I, 0
        .rept   MR
        several ld1, %(SUMS + I * PAIRS), %(SUMS + I * PAIRS + PAIRS - 1), x2
        .set    I, I + 1
        .endr
        tbz     x4, #0, 2f
        load_eight 0
        multiply_eight 0
2:      add     x5, x4, #2
        lsr     x5, x5, #2
        cbz     x5, 4f
        tbz     x4, #1, 3f
        b       26f
3:      two_eights
26:     two_eights
        subs    x5, x5, #1
        b.ne    3b
4:
        tbz     w22, #EXACT, 18f
        exact_floats %PAIRS
24:     low_words %PAIRS
        cbnz    x8, 20f
25:     low_bytes %PAIRS
16:     tst     w22, #63
        b.ne    19f
        store_pairs store_pixel
17:     subs    x17, x17, #1
        b.ne    1b
        add     x10, x10, #(4 * NV)
        add     x19, x19, x11
        subs    x7, x7, #1
        b.ne    5b

        add     sp, sp, #(32 * PAIRS)
        restore_registers
        restore_general
        ret

        // Out of line: numbers of any size, a residual, bounds, a part of the columns.
18:     scale_sums %PAIRS
        tbz     w22, #SMALL, 21f
        small_floats %PAIRS
        b       24b
20:     for_rows join_residual_pair
        b       25b
21:     round_large %PAIRS
        cbnz    x8, 22f
        narrow_pairs 0
        b       16b
22:     narrow_pairs 1
        b       16b
19:     tbz     w22, #0, 14f
        bound_all %PAIRS
        tst     w22, #60
        b.ne    14f
        store_pairs store_pixel
        b       17b
14:     store_pairs store_part_pixel
        b       17b
        SIZE(riffle_strip_\pairs\()x\vectors\()ISA)
        .endm

// Activations side by side, as strips read them: tiles of so many pairs of pixels of a run. x0: the first pixel, x1 bytes
// to the next, x2 eights of channels, x3 where they go, x4 bytes from a tile to the next, x5 tiles. x8 .. x15: pixels.
        .macro  load_halves to, a, b
        ldr     d\to, [x\a], #8
        ld1     {v\to\().d}[1], [x\b], #8
        .endm
        .macro  gather pairs
        .set    MR, \pairs
        .p2align 4
        .globl  SYMBOL(riffle_gather_\pairs\()ISA)
        HIDDEN(riffle_gather_\pairs\()ISA)
        TYPE(riffle_gather_\pairs\()ISA)
SYMBOL(riffle_gather_\pairs\()ISA):
1:      mov     x8, x0
        .set    I, 1
        .rept   2 * MR - 1
        next_pixel %(8 + I), %(7 + I)
        .set    I, I + 1
        .endr
        next_pixel 0, %(7 + 2 * MR)
        mov     x6, x3
        mov     x7, x2
2:
        .set    I, 0
        .rept   MR
        load_halves %I, %(8 + 2 * I), %(9 + 2 * I)
        .set    I, I + 1
        .endr
        several_next st1, 0, %(MR - 1), x6, %(16 * MR)
        subs    x7, x7, #1
        b.ne    2b
        add     x3, x3, x4
        subs    x5, x5, #1
        b.ne    1b
        ret
        SIZE(riffle_gather_\pairs\()ISA)
        .endm
        .macro  next_pixel to, from
        add     x\to, x\from, x1
        .endm

        .irp    pairs, 1, 2, 3, 4
        gather  \pairs
        strip   \pairs, 1
        strip   \pairs, 2
        .endr

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
