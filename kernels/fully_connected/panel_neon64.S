// A panel's multiply-adds of the fully connected layer for AArch64: 7 or 8 vectors of outputs, four inputs at a time.
//
//   sums[v] += x[k] * w[k][v]        for k = 0 .. 4 * fours - 1
//
// The weights come by two loads a k, one k ahead: up to 32 floats behind the last are read. Four inputs of 8 vectors: 32
// multiply-adds, 8 loads of weights, 1 of inputs, 2 of loop.
#include "kernels/simd/neon64_asm.inc"

// x0 sums, x1 x, x2 fours, x3 weights. v0 .. v7 sums, v8 inputs, v16 .. v23 and v24 .. v31 weights of two k.

        .macro  load_four a, b
        ld1     {v\a\().4s - v\b\().4s}, [x3], #64
        .endm
        .macro  load_rest a, b
        ld1     {v\a\().4s - v\b\().4s}, [x3], #(16 * (NV - 4))
        .endm
        .macro  load_weights first
        load_four %(\first), %(\first + 3)
        load_rest %(\first + 4), %(\first + NV - 1)
        .endm
        .macro  multiply first, k
        .set    I, 0
        .rept   NV
        fmla_lane %I, %(\first + I), 8, \k
        .set    I, I + 1
        .endr
        .endm

        .macro  panel   vectors
        .set    NV, \vectors
        .p2align 4
        .globl  SYMBOL(riffle_multiply_panel_\vectors\()_neon64)
        HIDDEN(riffle_multiply_panel_\vectors\()_neon64)
        TYPE(riffle_multiply_panel_\vectors\()_neon64)
SYMBOL(riffle_multiply_panel_\vectors\()_neon64):
        str     d8, [sp, #-16]!
        .set    I, 0
        .rept   NV
        single  ldr, %I, x0, %(16 * I)
        .set    I, I + 1
        .endr
        load_weights 16
1:      ldr     q8, [x1], #16
        load_weights 24
        multiply 16, 0
        load_weights 16
        multiply 24, 1
        load_weights 24
        multiply 16, 2
        load_weights 16
        multiply 24, 3
        subs    x2, x2, #1
        b.ne    1b
        .set    I, 0
        .rept   NV
        single  str, %I, x0, %(16 * I)
        .set    I, I + 1
        .endr
        ldr     d8, [sp], #16
        ret
        SIZE(riffle_multiply_panel_\vectors\()_neon64)
        .endm

        panel   7
        panel   8

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
