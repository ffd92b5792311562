/* SPDX-License-Identifier: GPL-2.0-or-later */
/* insn_feature.c - from Zydis' instruction sets to CPUID features.  A set that is not in the table
 * was never implemented on a CPU that a model describes. */
#include "translator/insn_feature.h"
#include <Zydis/Mnemonic.h>
#include <Zydis/SharedTypes.h>
#include <Zydis/DecoderTypes.h>

/* 0 is INSN_FEATURE_NONE, so the table holds the feature plus one, and 0 there means "never". */
#define ROW(set, feature) [ZYDIS_ISA_SET_##set] = INSN_FEATURE_##feature + 1

static const uint8_t features[ZYDIS_ISA_SET_MAX_VALUE + 1] = {
    ROW(I86, NONE),
    ROW(I186, NONE),
    ROW(I286REAL, NONE),
    ROW(I286PROTECTED, NONE),
    ROW(I386, NONE),
    ROW(I486, I486),
    ROW(I486REAL, I486),
    ROW(PENTIUMREAL, CX8),
    ROW(PENTIUMMMX, MMX),
    ROW(PPRO, NOPL),
    ROW(CMOV, CMOV),
    ROW(FCMOV, FCMOV),
    ROW(FAT_NOP, NOPL),
    ROW(PREFETCH_NOP, NONE),
    ROW(PAUSE, NONE),
    ROW(CET, NONE),
    ROW(MPX, NONE),
    ROW(CLDEMOTE, NONE),
    ROW(X87, X87),
    ROW(RDPMC, RDPMC),
    ROW(LAHF, NONE),
    ROW(LONGMODE, LM),
    ROW(CMPXCHG16B, CX16),
    ROW(RDTSCP, RDTSCP),
    ROW(RDPID, RDPID),
    ROW(MONITOR, MONITOR),
    ROW(AMD, SYSCALL),
    ROW(AMD3DNOW, 3DNOW),
    ROW(FXSAVE, FXSR),
    ROW(FXSAVE64, FXSR),
    ROW(SSE, SSE),
    ROW(SSEMXCSR, SSE),
    ROW(SSE_PREFETCH, NONE),
    ROW(SSE2, SSE2),
    ROW(SSE2MMX, SSE2),
    ROW(SSE3, SSE3),
    ROW(SSE3X87, SSE3),
    ROW(SSSE3, SSSE3),
    ROW(SSSE3MMX, SSSE3),
    ROW(SSE4, SSE41),
    ROW(SSE42, SSE42),
    ROW(SSE4A, SSE4A),
    ROW(POPCNT, POPCNT),
    ROW(LZCNT, NONE),
    ROW(AES, AES),
    ROW(PCLMULQDQ, PCLMULQDQ),
    ROW(SHA, SHA),
    ROW(GFNI, GFNI),
    ROW(XSAVE, XSAVE),
    ROW(XSAVEOPT, XSAVEOPT),
    ROW(XSAVEC, XSAVEC),
    ROW(XSAVES, XSAVES),
    ROW(AVX, AVX),
    ROW(AVX2, AVX2),
    ROW(AVX2GATHER, AVX2),
    ROW(AVXAES, AVX_AES),
    ROW(AVX_GFNI, AVX_GFNI),
    ROW(AVX_VNNI, AVX_VNNI),
    ROW(VAES, VAES),
    ROW(VPCLMULQDQ, VPCLMULQDQ),
    ROW(F16C, F16C),
    ROW(FMA, FMA),
    ROW(FMA4, FMA4),
    ROW(XOP, XOP),
    ROW(TBM, TBM),
    ROW(BMI1, BMI1),
    ROW(BMI2, BMI2),
    ROW(ADOX_ADCX, ADX),
    ROW(MOVBE, MOVBE),
    ROW(RDRAND, RDRAND),
    ROW(RDSEED, RDSEED),
    ROW(CLFSH, CLFLUSH),
    ROW(CLFLUSHOPT, CLFLUSHOPT),
    ROW(CLWB, CLWB),
    ROW(CLZERO, CLZERO),
    ROW(SERIALIZE, SERIALIZE),
    ROW(RDWRFSGS, FSGSBASE),
    ROW(SMAP, SMAP),
    ROW(INVPCID, INVPCID),
};
#undef ROW

/* Zydis puts these in a set with others that came from elsewhere; -1: not one of them. */
static int mnemonic_feature(const Insn *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_RDTSC:
        return INSN_FEATURE_TSC;
    case ZYDIS_MNEMONIC_RDMSR:
    case ZYDIS_MNEMONIC_WRMSR:
        return INSN_FEATURE_MSR;
    case ZYDIS_MNEMONIC_CPUID:
        return INSN_FEATURE_I486;
    case ZYDIS_MNEMONIC_RSM:
    case ZYDIS_MNEMONIC_TZCNT:
    case ZYDIS_MNEMONIC_LZCNT:
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_PREFETCH:
    case ZYDIS_MNEMONIC_PREFETCHW:
    case ZYDIS_MNEMONIC_PREFETCHWT1:
        return INSN_FEATURE_NONE;
    case ZYDIS_MNEMONIC_SYSENTER:
    case ZYDIS_MNEMONIC_SYSEXIT:
        return INSN_FEATURE_SEP;
    case ZYDIS_MNEMONIC_SYSCALL:
    case ZYDIS_MNEMONIC_SYSRET:
        return INSN_FEATURE_SYSCALL;
    case ZYDIS_MNEMONIC_LAHF:
    case ZYDIS_MNEMONIC_SAHF:
        return insn->code_width == 8 ? INSN_FEATURE_LAHF_LM : INSN_FEATURE_NONE;
    case ZYDIS_MNEMONIC_MOVDIRI:
        return INSN_FEATURE_MOVDIRI;
    case ZYDIS_MNEMONIC_MOVDIR64B:
        return INSN_FEATURE_MOVDIR64B;
    case ZYDIS_MNEMONIC_FCOMI:
    case ZYDIS_MNEMONIC_FCOMIP:
    case ZYDIS_MNEMONIC_FUCOMI:
    case ZYDIS_MNEMONIC_FUCOMIP:
        return INSN_FEATURE_FCMOV;
    default:
        return -1;
    }
}

/* MMX register forms that came with SSE, and on AMD earlier as extended MMX. */
static bool mnemonic_is_mmxext(unsigned mnemonic)
{
    switch (mnemonic) {
    case ZYDIS_MNEMONIC_MASKMOVQ:
    case ZYDIS_MNEMONIC_MOVNTQ:
    case ZYDIS_MNEMONIC_PAVGB:
    case ZYDIS_MNEMONIC_PAVGW:
    case ZYDIS_MNEMONIC_PEXTRW:
    case ZYDIS_MNEMONIC_PINSRW:
    case ZYDIS_MNEMONIC_PMAXSW:
    case ZYDIS_MNEMONIC_PMAXUB:
    case ZYDIS_MNEMONIC_PMINSW:
    case ZYDIS_MNEMONIC_PMINUB:
    case ZYDIS_MNEMONIC_PMULHUW:
    case ZYDIS_MNEMONIC_PSADBW:
    case ZYDIS_MNEMONIC_PSHUFW:
        return true;
    default:
        return false;
    }
}

static bool isa_is_avx512(unsigned isa_set)
{
    return isa_set >= ZYDIS_ISA_SET_AVX512BW_128 && isa_set <= ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_512;
}

InsnFeature insn_feature(unsigned isa_set, const Insn *insn)
{
    int own = mnemonic_feature(insn);

    if (insn->encoding == ENCODING_EVEX || isa_is_avx512(isa_set)) {
        return INSN_FEATURE_AVX512;
    }
    if (own >= 0) {
        return (InsnFeature)own;
    }
    if (insn->mnemonic == ZYDIS_MNEMONIC_VPCLMULQDQ && insn->vector_width == 16) {
        return INSN_FEATURE_AVX_PCLMULQDQ;
    }
    if (isa_set == ZYDIS_ISA_SET_PENTIUMMMX && mnemonic_is_mmxext(insn->mnemonic)) {
        return INSN_FEATURE_MMXEXT;
    }
    if (isa_set > ZYDIS_ISA_SET_MAX_VALUE || features[isa_set] == 0) {
        return INSN_FEATURE_NEVER;
    }
    return (InsnFeature)(features[isa_set] - 1);
}
