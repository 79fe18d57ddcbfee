// The register tile for AArch64, whole strips of it: see tile.hpp for the equation and strip.hpp for the arguments.
//
// Compilers spill a by-lane tile that fills the register file, so it is written out here, as macros for every height
// MR and width NV (in vectors). A pixel's activations come eight channels at a time, by ldp, although there are not
// registers for two vectors of every pixel: half of the pixels (A) are loaded for channels k .. k+7, the others (B)
// four channels later for k+4 .. k+11. What A reads first and what B reads first are never alive together.
//
//   channels    0-3       4-7       8-11      12-15
//   A (pixel i) S[i]      A[i]      S[i]      A[i]          S and A loaded before channels 0 and 8
//   B (pixel i)           S[i]      B[i]      S[i]          S and B loaded before channels 4 and 12; 0-3 come to B alone
//
//   registers   v0 ..   MR * NV sums, pixel after pixel
//               then    a ring of 8 vectors of weights, in the order of the packed stream; four of them a load
//               then    S (MR+1)/2, A (MR+1)/2, B MR/2
//   4 x 4: 16 + 8 + 6 = 30      5 x 3: 15 + 8 + 8 = 31      6 x 2: 12 + 8 + 9 = 29      8 x 1: 8 + 8 + 12 = 28
//
// Eight channels of 4 x 4: 128 multiply-adds, 4 loads of activations, 8 loads of weights, 1 instruction of loop. Loads
// stand between multiply-adds, apart from one another and from their use: an in-order core does not wait for them.
//
// May read 3 floats behind a run's last channel and 32 behind the panel's last weight; uses none of them.

#include "kernels/simd/neon64_asm.inc"

// Offsets into Strip.
#define BIAS 8
#define WEIGHTS 16
#define PIXEL 24
#define RUNS 32
#define OUT 48
#define OUT_STRIDE 64
#define START 80

// What is where in the general registers: x0 Strip, x1 weights, x2 bias, x3 next run, x4 runs left,
// x5 the run's channels left, less 13, x6 output, x7 pixel, x8 .. x15 the pixels' activations, x16 bytes between them,
// x17 tiles left, x19 start, x20 bytes between its pixels, x21 bytes between output pixels, w22 form.

// Activations of four or eight channels.
        .macro  load_pixel a, pointer
        next_single \a, x\pointer
        .endm
        .macro  load_pixel_pair a, b, pointer
        next_pair \a, \b, x\pointer
        .endm
        .macro  next_four a, b, pointer
        ld1     {v\a\().4s - v\b\().4s}, [\pointer], #64
        .endm
// The next pixel's activations; x16: bytes between them.
        .macro  next_pointer to, from
        add     x\to, x\from, x16
        .endm

// The multiply-adds of one pixel with vector V of the weights of channel K (of four). The row of weights starts at R in
// the ring.
        .macro  multiply_a i
        fmla_lane %(\i * NV + V), %(W + (R + V) % 8), %((S + \i) * (1 - ODD) + (A + \i) * ODD), %K
        .endm
        .macro  multiply_b i
        .if     \i < NB
        fmla_lane %((NA + \i) * NV + V), %(W + (R + V) % 8), %((B + \i) * (1 - ODD) + (S + \i) * ODD), %K
        .endif
        .endm
        .macro  all_vectors which, i
        .set    V, 0
        .rept   NV
        multiply_\which \i
        .set    V, V + 1
        .endr
        .endm
        .macro  all_pixels which
        .set    I, 0
        .rept   NA
        all_vectors \which, %I
        .set    I, I + 1
        .endr
        .endm

// Activations for the next four channels (load = 1) or eight (load = 2) of pixel i in A or B.
        .macro  load_a i, load
        .if     \load == 2
        load_pixel_pair %(S + \i), %(A + \i), %(8 + \i)
        .elseif \load == 1
        load_pixel %(S + \i), %(8 + \i)
        .endif
        .endm
        .macro  load_b i, load
        .if     \i < NB
        .if     \load == 2
        load_pixel_pair %(S + \i), %(B + \i), %(8 + NA + \i)
        .elseif \load == 1
        load_pixel %(S + \i), %(8 + NA + \i)
        .endif
        .endif
        .endm

// Four vectors of weights are loaded where the four before them have been used.
        .macro  load_weights
        .if     (R + V) % 4 == 3
        next_four %(W + (R + V - 3) % 8), %(W + (R + V) % 8), x1
        .endif
        .endm

// Four channels, one by one; even ones read S and B, odd ones A and S. Before the first there are four vectors of weights
// in the ring; the next four are loaded after the pixels that are not the ones loaded last.
        .macro  first_channel odd
        .set    ODD, \odd
        .set    K, 0
        .if     ODD
        all_pixels a
        .else
        all_pixels b
        .endif
        next_four %(W + (R + 4) % 8), %(W + (R + 4) % 8 + 3), x1
        .if     ODD
        all_pixels b
        .else
        all_pixels a
        .endif
        .set    V, NV - 1
        load_weights
        next_row
        .endm
        .macro  middle_channel
        .set    V, 0
        .rept   NV
        .set    I, 0
        .rept   NA
        multiply_a %I
        multiply_b %I
        .set    I, I + 1
        .endr
        load_weights
        .set    V, V + 1
        .endr
        next_row
        .endm
// As soon as a pixel's registers are free they are loaded anew.
        .macro  last_channel load
        .set    I, 0
        .rept   NA
        all_vectors a, %I
        all_vectors b, %I
        .if     ODD
        load_a  %I, \load
        .else
        load_b  %I, \load
        .endif
        .set    I, I + 1
        .endr
        next_row
        .endm
        .macro  next_row
        .set    K, K + 1
        .set    R, (R + NV) % 8
        .endm
        .macro  four_channels odd, load
        first_channel \odd
        middle_channel
        middle_channel
        last_channel \load
        .endm

// The run's last channels: as many as x5 modulo 4 says, and one. Then the ring starts anew with the next vector of the
// stream, where that is not its first one already.
        .macro  last_channels odd
        first_channel \odd
        tbz     w5, #1, 24f
        .set    AFTER_FIRST, R
        middle_channel
        middle_channel
        tbz     w5, #0, 23f
        last_channel 0
        .if     R
        refill  64
        .endif
        b       7f
24:     tbz     w5, #0, 21f
        .set    K, 1
        .set    R, AFTER_FIRST
        middle_channel
        b       22f
        .endm
        .macro  refill  bytes
        sub     x1, x1, #\bytes
        next_four %W, %(W + 3), x1
        .endm

        .macro  load_all_a load
        .set    I, 0
        .rept   NA
        load_a  %I, \load
        .set    I, I + 1
        .endr
        .endm

        .macro  strip rows, vectors
        .set    MR, \rows
        .set    NV, \vectors
        .set    NA, (MR + 1) / 2
        .set    NB, MR / 2
        .set    W, MR * NV
        .set    S, W + 8
        .set    A, S + NA
        .set    B, A + NA
        .p2align 4
        .globl  SYMBOL(riffle_strip_\rows\()x\vectors\()_neon64)
        HIDDEN(riffle_strip_\rows\()x\vectors\()_neon64)
        TYPE(riffle_strip_\rows\()x\vectors\()_neon64)
SYMBOL(riffle_strip_\rows\()x\vectors\()_neon64):
        save_general
        save_registers
        ld1r    {v31.4s}, [x0]
        ldp     x19, x20, [x0, #START]
        ldp     x21, x22, [x0, #OUT_STRIDE]
        ldr     x2, [x0, #BIAS]
        ldp     x6, x17, [x0, #OUT]
        ldr     x7, [x0, #PIXEL]

1:      // A tile.
        ldr     x1, [x0, #WEIGHTS]
        ldp     x3, x4, [x0, #RUNS]
        cbnz    x19, 14f
        load_bias
13:     next_four %W, %(W + 3), x1

2:      // A run.
        ldp     x8, x16, [x3], #16
        ldr     x5, [x3], #8
        madd    x8, x7, x16, x8
        .set    I, 1
        .rept   MR - 1
        next_pointer %(8 + I), %(7 + I)
        .set    I, I + 1
        .endr
        .set    I, 0
        .rept   NB
        load_pixel %(B + I), %(8 + NA + I)
        .set    I, I + 1
        .endr
        tbnz    x5, #63, 15f
        load_all_a 2
        tbz     w5, #3, 31f
3:      // Sixteen channels, or the second eight of them, and at least five more.
        .set    R, 0
        four_channels 0, 2
        four_channels 1, 2
31:     four_channels 0, 2
        four_channels 1, 2
        subs    x5, x5, #16
        b.ge    3b

4:      // 5 to 8 channels, or 9 to 12.
        tbnz    w5, #2, 5f
        four_channels 0, 1
        last_channels 1
5:      .set    R, 0
        four_channels 0, 2
        four_channels 1, 1
6:      last_channels 0
        .irp    channels, 1, 2, 3
2\channels\():
        refill  %(128 - 16 * (\channels * NV % 4))
        .if     \channels < 3
        b       7f
        .endif
        .endr

7:      subs    x4, x4, #1
        b.ne    2b

        finish_tile 1
17:     add     x7, x7, #MR
        subs    x17, x17, #1
        b.ne    1b

        restore_registers
        restore_general
        ret

14:     // Not from the bias alone.
        madd    x8, x7, x20, x19
        load_pixels x8, x20
        cbz     x2, 13b
        .set    V, 0
        .rept   NV
        single  ldr, %(W + V), x2, %(16 * V)
        .set    I, 0
        .rept   MR
        lanes   fadd, %(I * NV + V), %(I * NV + V), %(W + V)
        .set    I, I + 1
        .endr
        .set    V, V + 1
        .endr
        b       13b

15:     // A run of 5 to 12 channels, or of up to 4.
        tbz     w5, #3, 16f
        load_all_a 2
        b       4b
16:     load_all_a 1
        b       6b

        finish_tile_otherwise 1
        SIZE(riffle_strip_\rows\()x\vectors\()_neon64)
        .endm

        .irp    rows, 1, 2, 3, 4, 5, 6, 7, 8
        strip   \rows, 1
        .if     \rows <= 6
        strip   \rows, 2
        .endif
        .if     \rows <= 5
        strip   \rows, 3
        .endif
        .if     \rows <= 4
        strip   \rows, 4
        .endif
        .endr

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
