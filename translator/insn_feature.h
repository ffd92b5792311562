/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSLATOR_INSN_FEATURE_H
#define TRANSLATOR_INSN_FEATURE_H
/* insn_feature.h - the CPUID feature that an instruction needs: the value of Insn.cpuid.
 *
 * A CPU model (runtime/software_cpu/cpuid.h) holds one bit for each, and an instruction whose bit
 * is clear is an undefined opcode.  Not listed here are instructions that older CPUs execute as
 * something else, because they were given encodings of no-operations or redundant prefixes: TZCNT
 * (BSF), LZCNT (BSR), WBNOINVD (WBINVD), the CET and MPX hints and CLDEMOTE (NOP).  They have
 * INSN_FEATURE_NONE, and whoever runs the first two asks for INSN_FEATURE_BMI1 or
 * INSN_FEATURE_LZCNT himself.
 */
#include "translator/insn.h"

typedef enum InsnFeature {
    INSN_FEATURE_NONE, /* every x86 from the 386 on */
    INSN_FEATURE_I486, /* BSWAP, CMPXCHG, XADD, INVD, WBINVD, INVLPG, CPUID */
    INSN_FEATURE_X87,
    INSN_FEATURE_TSC,
    INSN_FEATURE_MSR,
    INSN_FEATURE_CX8,
    INSN_FEATURE_CMOV,
    INSN_FEATURE_FCMOV,
    INSN_FEATURE_NOPL, /* multi-byte NOP, UD0 and the rest of the P6 */
    INSN_FEATURE_RDPMC,
    INSN_FEATURE_SEP,
    INSN_FEATURE_SYSCALL,
    INSN_FEATURE_LM,
    INSN_FEATURE_LAHF_LM,
    INSN_FEATURE_CX16,
    INSN_FEATURE_RDTSCP,
    INSN_FEATURE_RDPID,
    INSN_FEATURE_MONITOR,
    INSN_FEATURE_MMX,
    INSN_FEATURE_MMXEXT, /* the MMX instructions that came with SSE */
    INSN_FEATURE_3DNOW,
    INSN_FEATURE_FXSR,
    INSN_FEATURE_SSE,
    INSN_FEATURE_SSE2,
    INSN_FEATURE_SSE3,
    INSN_FEATURE_SSSE3,
    INSN_FEATURE_SSE41,
    INSN_FEATURE_SSE42,
    INSN_FEATURE_SSE4A,
    INSN_FEATURE_POPCNT,
    INSN_FEATURE_LZCNT,
    INSN_FEATURE_AES,
    INSN_FEATURE_PCLMULQDQ,
    INSN_FEATURE_SHA,
    INSN_FEATURE_GFNI,
    INSN_FEATURE_XSAVE,
    INSN_FEATURE_XSAVEOPT,
    INSN_FEATURE_XSAVEC,
    INSN_FEATURE_XSAVES,
    INSN_FEATURE_AVX,
    INSN_FEATURE_AVX2,
    INSN_FEATURE_AVX_AES, /* VEX form: AVX and AES */
    INSN_FEATURE_AVX_PCLMULQDQ,
    INSN_FEATURE_AVX_GFNI,
    INSN_FEATURE_AVX_VNNI,
    INSN_FEATURE_VAES,
    INSN_FEATURE_VPCLMULQDQ,
    INSN_FEATURE_F16C,
    INSN_FEATURE_FMA,
    INSN_FEATURE_FMA4,
    INSN_FEATURE_XOP,
    INSN_FEATURE_TBM,
    INSN_FEATURE_BMI1,
    INSN_FEATURE_BMI2,
    INSN_FEATURE_ADX,
    INSN_FEATURE_MOVBE,
    INSN_FEATURE_RDRAND,
    INSN_FEATURE_RDSEED,
    INSN_FEATURE_CLFLUSH,
    INSN_FEATURE_CLFLUSHOPT,
    INSN_FEATURE_CLWB,
    INSN_FEATURE_CLZERO,
    INSN_FEATURE_MOVDIRI,
    INSN_FEATURE_MOVDIR64B,
    INSN_FEATURE_SERIALIZE,
    INSN_FEATURE_FSGSBASE,
    INSN_FEATURE_SMAP,
    INSN_FEATURE_INVPCID,
    INSN_FEATURE_AVX512,
    INSN_FEATURE_NEVER, /* no model has it: VMX, SVM, TSX, SGX ... */
    INSN_FEATURES
} InsnFeature;

/* Feature of an instruction decoded as far as mnemonic, code_width and vector_width; `isa_set` is
 * its ZydisISASet. */
InsnFeature insn_feature(unsigned isa_set, const Insn *insn);

#endif
