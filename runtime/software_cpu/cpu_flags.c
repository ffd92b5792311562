/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_flags.c - the feature flags by QEMU's names: where CPUID shows them, who provides them, and
 * which feature bit they turn on. */
#include "runtime/software_cpu/cpuid_int.h"
#include <cpuid.h>

#define FLAG(name, word, bit, kind, feature)                                                       \
    {                                                                                              \
        name, NULL, WORD_##word, bit, FLAG_##kind, feature                                         \
    }
#define FLAG2(name, alias, word, bit, kind, feature)                                               \
    {                                                                                              \
        name, alias, WORD_##word, bit, FLAG_##kind, feature                                        \
    }
#define I(feature) INSN_FEATURE_##feature
#define C(feature) CPU_FEATURE_##feature

const CpuFlag cpu_flags[] = {
    FLAG("kvm-nopiodelay", 40000001_EAX, 1, SOFT, 0),
    FLAG("kvmclock", 40000001_EAX, 3, SOFT, C(PV_CLOCK)),
    FLAG("kvmclock-stable-bit", 40000001_EAX, 24, SOFT, 0),

    FLAG("fpu", 1_EDX, 0, HOST, I(X87)),
    FLAG("vme", 1_EDX, 1, SOFT, C(VME)),
    FLAG("de", 1_EDX, 2, SOFT, C(DE)),
    FLAG("pse", 1_EDX, 3, SOFT, C(PSE)),
    FLAG("tsc", 1_EDX, 4, SOFT, I(TSC)),
    FLAG("msr", 1_EDX, 5, SOFT, I(MSR)),
    FLAG("pae", 1_EDX, 6, SOFT, C(PAE)),
    FLAG("mce", 1_EDX, 7, SOFT, C(MCE)),
    FLAG2("cx8", "cmpxchg8b", 1_EDX, 8, HOST, I(CX8)),
    FLAG("apic", 1_EDX, 9, SOFT, C(APIC)),
    FLAG("sep", 1_EDX, 11, SOFT, I(SEP)),
    FLAG("mtrr", 1_EDX, 12, SOFT, C(MTRR)),
    FLAG("pge", 1_EDX, 13, SOFT, C(PGE)),
    FLAG("mca", 1_EDX, 14, SOFT, C(MCA)),
    FLAG("cmov", 1_EDX, 15, HOST, I(CMOV)),
    FLAG("pat", 1_EDX, 16, SOFT, C(PAT)),
    FLAG("pse36", 1_EDX, 17, SOFT, C(PSE36)),
    FLAG("pn", 1_EDX, 18, NEVER, 0),
    FLAG2("clflush", "clfsh", 1_EDX, 19, HOST, I(CLFLUSH)),
    FLAG("ds", 1_EDX, 21, NEVER, 0),
    FLAG("acpi", 1_EDX, 22, OPT, 0),
    FLAG("mmx", 1_EDX, 23, HOST, I(MMX)),
    FLAG("fxsr", 1_EDX, 24, HOST, I(FXSR)),
    FLAG("sse", 1_EDX, 25, HOST, I(SSE)),
    FLAG("sse2", 1_EDX, 26, HOST, I(SSE2)),
    FLAG("ss", 1_EDX, 27, SOFT, 0),
    FLAG("ht", 1_EDX, 28, OPT, 0),
    FLAG("tm", 1_EDX, 29, NEVER, 0),
    FLAG("ia64", 1_EDX, 30, NEVER, 0),
    FLAG("pbe", 1_EDX, 31, NEVER, 0),

    FLAG2("pni", "sse3", 1_ECX, 0, HOST, I(SSE3)),
    FLAG2("pclmulqdq", "pclmuldq", 1_ECX, 1, HOST, I(PCLMULQDQ)),
    FLAG("dtes64", 1_ECX, 2, NEVER, 0),
    FLAG("monitor", 1_ECX, 3, OPT, I(MONITOR)),
    FLAG("ds-cpl", 1_ECX, 4, NEVER, 0),
    FLAG("vmx", 1_ECX, 5, NEVER, 0),
    FLAG("smx", 1_ECX, 6, NEVER, 0),
    FLAG("est", 1_ECX, 7, NEVER, 0),
    FLAG("tm2", 1_ECX, 8, NEVER, 0),
    FLAG("ssse3", 1_ECX, 9, HOST, I(SSSE3)),
    FLAG("cid", 1_ECX, 10, NEVER, 0),
    FLAG("fma", 1_ECX, 12, HOST, I(FMA)),
    FLAG2("cx16", "cmpxchg16b", 1_ECX, 13, HOST, I(CX16)),
    FLAG("xtpr", 1_ECX, 14, NEVER, 0),
    FLAG("pdcm", 1_ECX, 15, NEVER, 0),
    FLAG("pcid", 1_ECX, 17, SOFT, C(PCID)),
    FLAG("dca", 1_ECX, 18, NEVER, 0),
    FLAG2("sse4.1", "sse4-1", 1_ECX, 19, HOST, I(SSE41)),
    FLAG2("sse4.2", "sse4-2", 1_ECX, 20, HOST, I(SSE42)),
    FLAG("x2apic", 1_ECX, 21, SOFT, C(X2APIC)),
    FLAG("movbe", 1_ECX, 22, HOST, I(MOVBE)),
    FLAG("popcnt", 1_ECX, 23, HOST, I(POPCNT)),
    FLAG("tsc-deadline", 1_ECX, 24, SOFT, C(TSC_DEADLINE)),
    FLAG("aes", 1_ECX, 25, HOST, I(AES)),
    FLAG("xsave", 1_ECX, 26, HOST, I(XSAVE)),
    FLAG("avx", 1_ECX, 28, HOST, I(AVX)),
    FLAG("f16c", 1_ECX, 29, HOST, I(F16C)),
    FLAG("rdrand", 1_ECX, 30, HOST, I(RDRAND)),
    FLAG("hypervisor", 1_ECX, 31, SOFT, 0),

    FLAG("arat", 6_EAX, 2, SOFT, 0),

    FLAG("fsgsbase", 7_EBX, 0, SOFT, I(FSGSBASE)),
    FLAG("tsc-adjust", 7_EBX, 1, SOFT, C(TSC_ADJUST)),
    FLAG("sgx", 7_EBX, 2, NEVER, 0),
    FLAG("bmi1", 7_EBX, 3, HOST, I(BMI1)),
    FLAG("hle", 7_EBX, 4, NEVER, 0),
    FLAG("avx2", 7_EBX, 5, HOST, I(AVX2)),
    FLAG("fdp-excptn-only", 7_EBX, 6, HOST, C(FDP_EXCPTN_ONLY)),
    FLAG("smep", 7_EBX, 7, SOFT, C(SMEP)),
    FLAG("bmi2", 7_EBX, 8, HOST, I(BMI2)),
    FLAG("erms", 7_EBX, 9, HOST, 0),
    FLAG("invpcid", 7_EBX, 10, SOFT, I(INVPCID)),
    FLAG("rtm", 7_EBX, 11, NEVER, 0),
    FLAG("zero-fcs-fds", 7_EBX, 13, HOST, C(ZERO_FCS_FDS)),
    FLAG("mpx", 7_EBX, 14, NEVER, 0),
    FLAG("avx512f", 7_EBX, 16, NEVER, 0),
    FLAG("avx512dq", 7_EBX, 17, NEVER, 0),
    FLAG("rdseed", 7_EBX, 18, HOST, I(RDSEED)),
    FLAG("adx", 7_EBX, 19, HOST, I(ADX)),
    FLAG("smap", 7_EBX, 20, SOFT, I(SMAP)),
    FLAG("avx512ifma", 7_EBX, 21, NEVER, 0),
    FLAG("clflushopt", 7_EBX, 23, HOST, I(CLFLUSHOPT)),
    FLAG("clwb", 7_EBX, 24, HOST, I(CLWB)),
    FLAG("intel-pt", 7_EBX, 25, NEVER, 0),
    FLAG("avx512pf", 7_EBX, 26, NEVER, 0),
    FLAG("avx512er", 7_EBX, 27, NEVER, 0),
    FLAG("avx512cd", 7_EBX, 28, NEVER, 0),
    FLAG("sha-ni", 7_EBX, 29, HOST, I(SHA)),
    FLAG("avx512bw", 7_EBX, 30, NEVER, 0),
    FLAG("avx512vl", 7_EBX, 31, NEVER, 0),

    FLAG("prefetchwt1", 7_ECX, 0, NEVER, 0),
    FLAG("avx512vbmi", 7_ECX, 1, NEVER, 0),
    FLAG("umip", 7_ECX, 2, SOFT, C(UMIP)),
    FLAG("pku", 7_ECX, 3, NEVER, 0),
    FLAG("waitpkg", 7_ECX, 5, NEVER, 0),
    FLAG("avx512vbmi2", 7_ECX, 6, NEVER, 0),
    FLAG("gfni", 7_ECX, 8, NEVER, I(GFNI)),
    FLAG("vaes", 7_ECX, 9, NEVER, I(VAES)),
    FLAG("vpclmulqdq", 7_ECX, 10, NEVER, I(VPCLMULQDQ)),
    FLAG("avx512vnni", 7_ECX, 11, NEVER, 0),
    FLAG("avx512bitalg", 7_ECX, 12, NEVER, 0),
    FLAG("avx512-vpopcntdq", 7_ECX, 14, NEVER, 0),
    FLAG("la57", 7_ECX, 16, NEVER, 0),
    FLAG("rdpid", 7_ECX, 22, SOFT, I(RDPID)),
    FLAG("bus-lock-detect", 7_ECX, 24, NEVER, 0),
    FLAG("cldemote", 7_ECX, 25, NEVER, 0),
    FLAG("movdiri", 7_ECX, 27, NEVER, I(MOVDIRI)),
    FLAG("movdir64b", 7_ECX, 28, NEVER, I(MOVDIR64B)),
    FLAG("sgxlc", 7_ECX, 30, NEVER, 0),
    FLAG("pks", 7_ECX, 31, NEVER, 0),

    FLAG("avx512-4vnniw", 7_EDX, 2, NEVER, 0),
    FLAG("avx512-4fmaps", 7_EDX, 3, NEVER, 0),
    FLAG("fsrm", 7_EDX, 4, HOST, 0),
    FLAG("avx512-vp2intersect", 7_EDX, 8, NEVER, 0),
    FLAG("md-clear", 7_EDX, 10, OPT, 0),
    FLAG("serialize", 7_EDX, 14, NEVER, I(SERIALIZE)),
    FLAG("tsx-ldtrk", 7_EDX, 16, NEVER, 0),
    FLAG("arch-lbr", 7_EDX, 19, NEVER, 0),
    FLAG("amx-bf16", 7_EDX, 22, NEVER, 0),
    FLAG("avx512-fp16", 7_EDX, 23, NEVER, 0),
    FLAG("amx-tile", 7_EDX, 24, NEVER, 0),
    FLAG("amx-int8", 7_EDX, 25, NEVER, 0),
    FLAG("spec-ctrl", 7_EDX, 26, SOFT, C(SPEC_CTRL)),
    FLAG("stibp", 7_EDX, 27, SOFT, 0),
    FLAG("flush-l1d", 7_EDX, 28, NEVER, 0),
    FLAG("arch-capabilities", 7_EDX, 29, SOFT, C(ARCH_CAPABILITIES)),
    FLAG("core-capability", 7_EDX, 30, NEVER, 0),
    FLAG("ssbd", 7_EDX, 31, SOFT, 0),

    FLAG("avx-vnni", 7_1_EAX, 4, NEVER, I(AVX_VNNI)),
    FLAG("avx512-bf16", 7_1_EAX, 5, NEVER, 0),
    FLAG("fzrm", 7_1_EAX, 10, HOST, 0),
    FLAG("fsrs", 7_1_EAX, 11, HOST, 0),
    FLAG("fsrc", 7_1_EAX, 12, HOST, 0),

    FLAG("xsaveopt", D_1_EAX, 0, HOST, I(XSAVEOPT)),
    FLAG("xsavec", D_1_EAX, 1, HOST, I(XSAVEC)),
    FLAG("xgetbv1", D_1_EAX, 2, HOST, C(XGETBV1)),
    FLAG("xsaves", D_1_EAX, 3, NEVER, I(XSAVES)),

    FLAG("syscall", 80000001_EDX, 11, SOFT, I(SYSCALL)),
    FLAG2("nx", "xd", 80000001_EDX, 20, SOFT, C(NX)),
    FLAG("mmxext", 80000001_EDX, 22, HOST, I(MMXEXT)),
    FLAG2("fxsr-opt", "ffxsr", 80000001_EDX, 25, NEVER, 0),
    FLAG("pdpe1gb", 80000001_EDX, 26, SOFT, C(PDPE1GB)),
    FLAG("rdtscp", 80000001_EDX, 27, SOFT, I(RDTSCP)),
    FLAG2("lm", "i64", 80000001_EDX, 29, SOFT, I(LM)),
    FLAG("3dnowext", 80000001_EDX, 30, NEVER, 0),
    FLAG("3dnow", 80000001_EDX, 31, NEVER, I(3DNOW)),

    FLAG("lahf-lm", 80000001_ECX, 0, SOFT, I(LAHF_LM)),
    FLAG("cmp-legacy", 80000001_ECX, 1, OPT, 0),
    FLAG("svm", 80000001_ECX, 2, NEVER, 0),
    FLAG("extapic", 80000001_ECX, 3, NEVER, 0),
    FLAG("cr8legacy", 80000001_ECX, 4, NEVER, 0),
    FLAG("abm", 80000001_ECX, 5, HOST, I(LZCNT)),
    FLAG("sse4a", 80000001_ECX, 6, NEVER, I(SSE4A)),
    FLAG("misalignsse", 80000001_ECX, 7, NEVER, 0), /* MXCSR.MM is not to be had */
    FLAG("3dnowprefetch", 80000001_ECX, 8, SOFT, 0),
    FLAG("osvw", 80000001_ECX, 9, NEVER, 0),
    FLAG("ibs", 80000001_ECX, 10, NEVER, 0),
    FLAG("xop", 80000001_ECX, 11, NEVER, I(XOP)),
    FLAG("skinit", 80000001_ECX, 12, NEVER, 0),
    FLAG("wdt", 80000001_ECX, 13, NEVER, 0),
    FLAG("lwp", 80000001_ECX, 15, NEVER, 0),
    FLAG("fma4", 80000001_ECX, 16, NEVER, I(FMA4)),
    FLAG("tce", 80000001_ECX, 17, NEVER, 0),
    FLAG("nodeid-msr", 80000001_ECX, 19, NEVER, 0),
    FLAG("tbm", 80000001_ECX, 21, NEVER, I(TBM)),
    FLAG("topoext", 80000001_ECX, 22, OPT, 0),
    FLAG("perfctr-core", 80000001_ECX, 23, NEVER, 0),
    FLAG("perfctr-nb", 80000001_ECX, 24, NEVER, 0),

    FLAG("invtsc", 80000007_EDX, 8, SOFT, 0),

    FLAG("clzero", 80000008_EBX, 0, HOST, I(CLZERO)),
    FLAG("xsaveerptr", 80000008_EBX, 2, HOST, 0),
    FLAG("wbnoinvd", 80000008_EBX, 9, SOFT, 0),
    FLAG("ibpb", 80000008_EBX, 12, SOFT, C(SPEC_CTRL)),
    FLAG("ibrs", 80000008_EBX, 14, SOFT, C(SPEC_CTRL)),
    FLAG("amd-stibp", 80000008_EBX, 15, SOFT, C(SPEC_CTRL)),
    FLAG("stibp-always-on", 80000008_EBX, 17, OPT, 0),
    FLAG("amd-ssbd", 80000008_EBX, 24, SOFT, C(SPEC_CTRL)),
    FLAG("virt-ssbd", 80000008_EBX, 25, NEVER, 0),
    FLAG("amd-no-ssb", 80000008_EBX, 26, SOFT, 0),
    FLAG("btc-no", 80000008_EBX, 29, SOFT, 0),

    FLAG("lfence-always-serializing", 80000021_EAX, 2, SOFT, 0),
    FLAG("null-sel-clr-base", 80000021_EAX, 6, SOFT, 0),
    FLAG("auto-ibrs", 80000021_EAX, 8, SOFT, C(AUTO_IBRS)),
    FLAG("srso-no", 80000021_EAX, 29, SOFT, 0),

    FLAG("rdctl-no", ARCH_CAPABILITIES, 0, SOFT, 0),
    FLAG("ibrs-all", ARCH_CAPABILITIES, 1, SOFT, 0),
    FLAG("rsba", ARCH_CAPABILITIES, 2, NEVER, 0),
    FLAG("skip-l1dfl-vmentry", ARCH_CAPABILITIES, 3, SOFT, 0),
    FLAG("ssb-no", ARCH_CAPABILITIES, 4, SOFT, 0),
    FLAG("mds-no", ARCH_CAPABILITIES, 5, SOFT, 0),
    FLAG("pschange-mc-no", ARCH_CAPABILITIES, 6, SOFT, 0),
    FLAG("tsx-ctrl", ARCH_CAPABILITIES, 7, NEVER, 0),
    FLAG("taa-no", ARCH_CAPABILITIES, 8, SOFT, 0),
    FLAG("sbdr-ssdp-no", ARCH_CAPABILITIES, 13, SOFT, 0),
    FLAG("fbsdp-no", ARCH_CAPABILITIES, 14, SOFT, 0),
    FLAG("psdp-no", ARCH_CAPABILITIES, 15, SOFT, 0),
    FLAG("fb-clear", ARCH_CAPABILITIES, 17, OPT, 0),
    FLAG("bhi-no", ARCH_CAPABILITIES, 20, SOFT, 0),
    FLAG("pbrsb-no", ARCH_CAPABILITIES, 24, SOFT, 0),
    FLAG("gds-no", ARCH_CAPABILITIES, 26, SOFT, 0),
    FLAG("rfds-no", ARCH_CAPABILITIES, 27, SOFT, 0),
    FLAG("its-no", ARCH_CAPABILITIES, 62, SOFT, 0),
};
const unsigned cpu_flags_count = sizeof(cpu_flags) / sizeof(cpu_flags[0]);

static bool name_matches(const char *name, const char *text, size_t length)
{
    size_t i;

    if (name == NULL) {
        return false;
    }
    for (i = 0; i < length && name[i] != '\0'; i++) {
        if (name[i] != (text[i] == '_' ? '-' : text[i])) {
            return false;
        }
    }
    return i == length && name[i] == '\0';
}

const CpuFlag *cpu_flag_find(const char *name, size_t length)
{
    for (unsigned i = 0; i < cpu_flags_count; i++) {
        if (name_matches(cpu_flags[i].name, name, length) ||
            name_matches(cpu_flags[i].alias, name, length)) {
            return &cpu_flags[i];
        }
    }
    return NULL;
}

/* Flags in words whose state the host's operating system has not enabled. */
static uint32_t host_xcr0(void)
{
    uint32_t eax, ebx, ecx, edx;

    __cpuid(1, eax, ebx, ecx, edx);
    if (!(ecx & bit_OSXSAVE)) {
        return 0;
    }
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

uint64_t cpu_flag_host_word(FlagWord word)
{
    static const struct {
        uint32_t leaf, subleaf;
        uint8_t reg;
    } places[FLAG_WORDS] = {
        [WORD_1_EDX] = { 1, 0, 3 },
        [WORD_1_ECX] = { 1, 0, 2 },
        [WORD_6_EAX] = { 6, 0, 0 },
        [WORD_7_EBX] = { 7, 0, 1 },
        [WORD_7_ECX] = { 7, 0, 2 },
        [WORD_7_EDX] = { 7, 0, 3 },
        [WORD_7_1_EAX] = { 7, 1, 0 },
        [WORD_D_1_EAX] = { 0xd, 1, 0 },
        [WORD_80000001_EDX] = { 0x80000001, 0, 3 },
        [WORD_80000001_ECX] = { 0x80000001, 0, 2 },
        [WORD_80000007_EDX] = { 0x80000007, 0, 3 },
        [WORD_80000008_EBX] = { 0x80000008, 0, 1 },
        [WORD_80000021_EAX] = { 0x80000021, 0, 0 },
    };
    uint32_t regs[4] = { 0 };

    if (word == WORD_ARCH_CAPABILITIES || word == WORD_40000001_EAX) {
        return 0;
    }
    if (places[word].leaf > __get_cpuid_max(places[word].leaf & 0x80000000, NULL)) {
        return 0;
    }
    __cpuid_count(places[word].leaf, places[word].subleaf, regs[0], regs[1], regs[2], regs[3]);
    if (word == WORD_1_ECX && (host_xcr0() & 6) != 6) {
        regs[2] &= ~(uint32_t)(bit_AVX | bit_FMA | bit_F16C | bit_XSAVE);
    }
    if (word == WORD_7_EBX && (host_xcr0() & 6) != 6) {
        regs[1] &= ~(uint32_t)bit_AVX2;
    }
    return regs[places[word].reg];
}
