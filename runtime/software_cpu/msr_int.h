/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_MSR_INT_H
#define SOFTWARE_CPU_MSR_INT_H
/* msr_int.h - numbers and bits of MSRs (SDM vol. 4, AMD APM vol. 2 appendix A), and the rows of
 * those that only have to be there. */
#include "runtime/cpu/cpu.h"

enum {
    MSR_TSC = 0x10,
    MSR_APIC_BASE = 0x1b,
    MSR_CORE_THREAD_COUNT = 0x35,
    MSR_TSC_ADJUST = 0x3b,
    MSR_SPEC_CTRL = 0x48,
    MSR_PRED_CMD = 0x49,
    MSR_BIOS_SIGN_ID = 0x8b,
    MSR_SMBASE = 0x9e,
    MSR_PLATFORM_INFO = 0xce,
    MSR_ARCH_CAPABILITIES = 0x10a,
    MSR_MISC_ENABLE = 0x1a0,
    MSR_DEBUGCTL = 0x1d9,
    MSR_MTRR_PHYSBASE0 = 0x200,
    MSR_PAT = 0x277,
    MSR_MTRR_DEF_TYPE = 0x2ff,
    MSR_MC0_CTL = 0x400,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_XSS = 0xda0,
};
#define MSR_EFER 0xc0000080u

enum {
    MC_BANKS = 4,
    MISC_ENABLE_FAST_STRINGS = 1u << 0,
    MISC_ENABLE_NO_BTS = 1u << 11,
    MISC_ENABLE_NO_PEBS = 1u << 12,
    MISC_ENABLE_MONITOR = 1u << 18,
    APIC_BASE_X2APIC = 1u << 10,
    EFER_AUTO_IBRS = 1u << 21,
};

#define MISC_ENABLE_WRITABLE                                                                       \
    ((1ull << 34) | (1ull << 38) | 0x450089) /* XD, turbo; 0 3 7 16 18 22 */
#define SPEC_CTRL_WRITABLE 7ull              /* IBRS, STIBP, SSBD */
#define DEBUGCTL_WRITABLE  0xffc3ull         /* LBR, BTF, trace and freeze bits */

/* MSRs with a constant value; writes are ignored where the row says so. false: no such MSR. */
bool msr_row_read(const Cpu *cpu, uint32_t msr, uint64_t *value);
bool msr_row_write(const Cpu *cpu, uint32_t msr);

#endif
