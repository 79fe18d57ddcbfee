// The register tile for AArch64, whole strips of it: see tile.hpp for the equation and strip.hpp for the arguments.
//
// Compilers spill a by-lane tile that fills the register file, so it is written out here, as macros for every height
// MR and width NV (in vectors), for floats, for halves, and for bytes, four of which count as one channel here. Bytes
// without a dot product have a loop of their own (pairs_neon64.inc); of all others this holds: activations come two
// vectors a pixel at a time, by ldp. The weights of a channel are loaded, by one ld1, while those of the channel before
// are used.
//
//   registers   v0 ..   2 MR activations, pixel after pixel (of halves, a lane can be used of v0 to v15 alone)
//               then    2 NV weights, of this channel and of the next
//               then    MR NV sums, pixel after pixel
//   4 x 4: 8 + 8 + 16 = 32      5 x 3: 10 + 6 + 15 = 31      7 x 2: 14 + 4 + 14 = 32      8 x 1: 16 + 2 + 8 = 26
//
// Sixteen channels of 4 x 4: 256 multiply-adds, 4 loads of activations (8 of floats), 16 of weights, 2 instructions of
// loop. What is left of a run is taken as the bits of its length say: 8 channels, 4, 2, 1. A build for size
// (RIFFLE_SMALL) goes on by as many channels as are loaded at once, 8 of floats, which is half of the code. Nothing is
// read behind a run; up to NV vectors are read behind the panel's last weight.
#include "kernels/simd/neon64_asm.inc"

// Offsets into Strip.
#define BIAS 8
#define WEIGHTS 16
#define PIXEL 24
#define RUNS 32
#define OUT 48
#define OUT_STRIDE 64
#define START 80
#ifdef RIFFLE_BYTES
#define FACTORS 96

        .macro  factors_at width
        ldr     x9, [x0, #FACTORS]
        .endm
#endif

// What is where in the general registers: x0 Strip, x1 weights, x2 bias, x3 next run, x4 runs left,
// x5 the run's channels left, less 16, x6 output, x7 pixel, x8 .. x15 the pixels' activations, x16 bytes
// between them, x17 tiles left, x19 start, x20 bytes between its pixels, x21 bytes between output pixels, w22 form.

// The next pixel's activations; x16: bytes between them.
        .macro  next_pointer to, from
        add     x\to, x\from, x16
        .endm

// The weights of a channel, in set 0 or 1.
        .macro  load_weights set
        several_next ld1, %(W + \set * NV), %(W + \set * NV + NV - 1), x1, %(16 * NV)
        .endm

// What is done with a run: FIRST_WEIGHT, the registers before the weights; ROUND channels at a time, and the rests.
#ifdef RIFFLE_PLAIN
#include "kernels/simd/pairs_neon64.inc"
#else
#define FIRST_WEIGHT 2 * MR
#ifdef RIFFLE_SMALL
#define ROUND (2 * LANES)
#else
#define ROUND 16
#endif

        .macro  load_two a, b, pointer
        next_pair \a, \b, x\pointer
        .endm
        .macro  load_one a, pointer, bytes
        .if     \bytes == 16
        ldr     q\a, [x\pointer], #16
        .elseif \bytes == 8
        ldr     d\a, [x\pointer], #8
        .elseif \bytes == 4
        ldr     s\a, [x\pointer], #4
        .else
        ldr     h\a, [x\pointer], #2
        .endif
        .endm
        .macro  load_activations bytes
        .set    I, 0
        .rept   MR
        .if     \bytes == 32
        load_two %(2 * I), %(2 * I + 1), %(8 + I)
        .else
        load_one %(2 * I), %(8 + I), \bytes
        .endif
        .set    I, I + 1
        .endr
        .endm

        .macro  multiply i
        fmla_lane %(SUMS + \i * NV + V), %(W + K % 2 * NV + V), %(2 * \i + K / LANES), %(K % LANES)
        .endm
        .macro  multiply_all
        .set    V, 0
        .rept   NV
        .set    I, 0
        .rept   MR
        multiply %I
        .set    I, I + 1
        .endr
        .set    V, V + 1
        .endr
        .endm

// So many channels, whose first one's weights are in set 0, as the next one's are behind them.
        .macro  channels count
        .set    K, 0
        .rept   \count
        .if     \count > 1
        load_weights %((K + 1) % 2)
        .endif
        multiply_all
        .if     \count == 1
        load_weights 0
        .endif
        .set    K, K + 1
        .endr
        .endm

        .macro  rest    count, bit
        tbz     w5, #\bit, 3\bit\()f
        load_activations %(\count * BYTES)
        channels \count
3\bit\():
        .endm

        .macro  next_round
        .rept   ROUND / (2 * LANES)
        load_activations 32
        channels %(2 * LANES)
        .endr
        .endm
        .macro  rests
        .if     ROUND > 8
        rest    8, 3
        .endif
        rest    4, 2
        rest    2, 1
        rest    1, 0
        .endm
#endif

        .macro  strip rows, vectors
        .set    MR, \rows
        .set    NV, \vectors
        .set    W, FIRST_WEIGHT
        .set    SUMS, W + 2 * NV
        .set    RESULTS, W + NV
        .set    BOUND, 0
        .set    LEAKED, 1
        .p2align 4
        .globl  SYMBOL(riffle_strip_\rows\()x\vectors\()ISA)
        HIDDEN(riffle_strip_\rows\()x\vectors\()ISA)
        TYPE(riffle_strip_\rows\()x\vectors\()ISA)
SYMBOL(riffle_strip_\rows\()x\vectors\()ISA):
        save_general
        save_registers
        ldp     x19, x20, [x0, #START]
        ldp     x21, x22, [x0, #OUT_STRIDE]
        ldr     x2, [x0, #BIAS]
        ldp     x6, x17, [x0, #OUT]
        ldr     x7, [x0, #PIXEL]
#ifdef RIFFLE_PLAIN
        stp     x23, x24, [sp, #-16]!
#endif
#ifdef RIFFLE_BYTES
        sub     sp, sp, #(32 * NV)
        prepare_exact %NV
#endif

1:      // A tile.
        ldr     x1, [x0, #WEIGHTS]
        ldp     x3, x4, [x0, #RUNS]
#ifdef RIFFLE_PLAIN
        ldr     x23, [x0, #FITS]
#endif
#ifndef RIFFLE_BYTES
        cbnz    x19, 14f
#endif
        load_bias
4:      load_weights 0

2:      // A run.
        ldp     x8, x16, [x3], #16
        ldr     x5, [x3], #8
        .if     ROUND < 16
        add     x5, x5, #(16 - ROUND)
        .endif
        madd    x8, x7, x16, x8
        .set    I, 1
        .rept   MR - 1
        next_pointer %(8 + I), %(7 + I)
        .set    I, I + 1
        .endr
        tbnz    x5, #63, 5f
3:      next_round
        subs    x5, x5, #ROUND
        b.ge    3b
5:      rests
        subs    x4, x4, #1
        b.ne    2b

        finish_tile
17:     add     x7, x7, #MR
        subs    x17, x17, #1
        b.ne    1b

#ifdef RIFFLE_BYTES
        add     sp, sp, #(32 * NV)
#endif
#ifdef RIFFLE_PLAIN
        ldp     x23, x24, [sp], #16
#endif
        restore_registers
        restore_general
        ret

#ifndef RIFFLE_BYTES
14:     // Not from the bias alone.
        madd    x8, x7, x20, x19
        load_pixels x8, x20
        cbz     x2, 4b
        .set    V, 0
        .rept   NV
        single  ldr, %(W + V), x2, %(16 * V)
        .set    I, 0
        .rept   MR
        lanes   fadd, %(SUMS + I * NV + V), %(SUMS + I * NV + V), %(W + V)
        .set    I, I + 1
        .endr
        .set    V, V + 1
        .endr
        b       4b
#endif

#ifdef RIFFLE_PLAIN
        runs_otherwise
#endif
        finish_tile_otherwise
        SIZE(riffle_strip_\rows\()x\vectors\()ISA)
        .endm

        .irp    rows, 1, 2, 3, 4, 5, 6, 7, 8
        strip   \rows, 1
        .if     \rows <= 7
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
