/* SPDX-License-Identifier: GPL-2.0-or-later */
/* msr_rows.c - MSRs without behaviour here: firmware, Linux and Windows read or write them without
 * asking CPUID first, on the vendor's CPUs that they find. */
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/msr_int.h"

typedef enum MsrVendor { ANY_VENDOR, INTEL, AMD } MsrVendor;
typedef enum MsrAccess { READ_ONLY, WRITE_ONLY, WRITE_IGNORED } MsrAccess;

typedef struct MsrRow {
    uint32_t first, last;
    uint8_t vendor, access;
    uint16_t feature; /* that brings it; 0: always */
    uint64_t value;
} MsrRow;

static const MsrRow msr_rows[] = {
    { 0x00, 0x01, ANY_VENDOR, WRITE_IGNORED, CPU_FEATURE_MCE, 0 },    /* P5_MC_ADDR, P5_MC_TYPE */
    { 0x17, 0x17, INTEL, READ_ONLY, 0, 0 },                           /* PLATFORM_ID */
    { 0x2a, 0x2a, INTEL, WRITE_IGNORED, 0, 0 },                       /* EBL_CR_POWERON */
    { 0x2c, 0x2c, INTEL, READ_ONLY, 0, 1u << 24 },                    /* EBC_FREQUENCY_ID */
    { 0x33, 0x33, INTEL, WRITE_IGNORED, 0, 0 },                       /* TEST_CTRL */
    { 0x34, 0x34, INTEL, READ_ONLY, 0, 0 },                           /* SMI_COUNT */
    { 0x3a, 0x3a, INTEL, READ_ONLY, 0, 1 },                           /* FEATURE_CONTROL: locked */
    { 0x79, 0x79, INTEL, WRITE_ONLY, 0, 0 },                          /* BIOS_UPDT_TRIG */
    { 0x88, 0x8a, INTEL, WRITE_IGNORED, 0, 0 },                       /* BBL_CR_D0 to D2 */
    { 0xc1, 0xc8, ANY_VENDOR, WRITE_IGNORED, INSN_FEATURE_RDPMC, 0 }, /* PMC0 to 7 */
    { 0xcd, 0xcd, INTEL, READ_ONLY, 0, 3 },                           /* FSB_FREQ: 166 MHz */
    { 0xe2, 0xe2, INTEL, WRITE_IGNORED, 0,
      0x8000 }, /* PKG_CST_CONFIG_CONTROL: locked, no C-states */
    { 0xfe, 0xfe, ANY_VENDOR, READ_ONLY, CPU_FEATURE_MTRR, 0x508 },     /* MTRRCAP: 8, fixed, WC */
    { 0x118, 0x118, INTEL, WRITE_IGNORED, 0, 0 },                       /* BBL_CR_DECC */
    { 0x119, 0x119, INTEL, WRITE_IGNORED, 0, 0x200000 },                /* BBL_CR_CTL: serial off */
    { 0x11e, 0x11e, INTEL, WRITE_IGNORED, 0, 0xbe702111 },              /* BBL_CR_CTL3 */
    { 0x140, 0x140, INTEL, WRITE_IGNORED, 0, 0 },                       /* MISC_FEATURES_ENABLES */
    { 0x179, 0x179, ANY_VENDOR, READ_ONLY, CPU_FEATURE_MCA, MC_BANKS }, /* MCG_CAP */
    { 0x186, 0x18d, ANY_VENDOR, WRITE_IGNORED, INSN_FEATURE_RDPMC, 0 }, /* PERFEVTSEL */
    { 0x198, 0x198, INTEL, READ_ONLY, 0, 0x0000040000001000 },          /* PERF_STATUS */
    { 0x199, 0x199, INTEL, WRITE_IGNORED, 0, 0x1000 },                  /* PERF_CTL */
    { 0x19a, 0x19c, INTEL, WRITE_IGNORED, 0, 0 },      /* CLOCK_MODULATION, THERM_* */
    { 0x1a2, 0x1a2, INTEL, READ_ONLY, 0, 100u << 16 }, /* TEMPERATURE_TARGET */
    { 0x1aa, 0x1ad, INTEL, WRITE_IGNORED, 0, 0 },      /* MISC_PWR_MGMT, TURBO_RATIO_LIMIT */
    { 0x1b0, 0x1b2, INTEL, WRITE_IGNORED, 0, 0 },      /* ENERGY_PERF_BIAS, PACKAGE_THERM_* */
    { 0x1c9, 0x1c9, ANY_VENDOR, WRITE_IGNORED, 0, 0 }, /* LASTBRANCH_TOS */
    { 0x1db, 0x1de, ANY_VENDOR, WRITE_IGNORED, 0, 0 }, /* last branch, last exception */
    { 0x1e0, 0x1e0, INTEL, WRITE_IGNORED, 0, 0 },
    { 0x1fc, 0x1fc, INTEL, WRITE_IGNORED, 0, 0 },                  /* POWER_CTL */
    { 0x309, 0x30b, INTEL, WRITE_IGNORED, INSN_FEATURE_RDPMC, 0 }, /* FIXED_CTR */
    { 0x345, 0x345, INTEL, READ_ONLY, 0, 0 },                      /* PERF_CAPABILITIES */
    { 0x38d, 0x390, INTEL, WRITE_IGNORED, INSN_FEATURE_RDPMC, 0 }, /* PERF_GLOBAL_* */
    { 0x3f1, 0x3f1, INTEL, WRITE_IGNORED, 0, 0 },                  /* PEBS_ENABLE */
    { 0x606, 0x606, INTEL, READ_ONLY, 0, 0 },                      /* RAPL_POWER_UNIT */
    { 0x610, 0x614, INTEL, WRITE_IGNORED, 0, 0 },                  /* package power */
    { 0x619, 0x619, INTEL, READ_ONLY, 0, 0 },
    { 0x639, 0x639, INTEL, READ_ONLY, 0, 0 },
    { 0x641, 0x641, INTEL, READ_ONLY, 0, 0 },

    { 0xc0010000, 0xc0010007, AMD, WRITE_IGNORED, 0, 0 },        /* PERFEVTSEL, PERFCTR */
    { 0xc0010010, 0xc0010010, AMD, WRITE_IGNORED, 0, 0 },        /* SYSCFG */
    { 0xc0010015, 0xc0010015, AMD, WRITE_IGNORED, 0, 1u << 24 }, /* HWCR: TSC runs at P0 */
    { 0xc0010016, 0xc001001a, AMD, WRITE_IGNORED, 0, 0 },        /* IORR, TOP_MEM */
    { 0xc001001b, 0xc001001b, AMD, WRITE_IGNORED, 0, 0 },
    { 0xc001001d, 0xc001001d, AMD, WRITE_IGNORED, 0, 0 },       /* TOP_MEM2 */
    { 0xc001001f, 0xc001001f, AMD, WRITE_IGNORED, 0, 0 },       /* NB_CFG */
    { 0xc0010020, 0xc0010020, AMD, WRITE_ONLY, 0, 0 },          /* PATCH_LOADER */
    { 0xc0010044, 0xc0010048, AMD, WRITE_IGNORED, 0, 0 },       /* MC0_CTL_MASK ... */
    { 0xc0010055, 0xc0010056, AMD, WRITE_IGNORED, 0, 0 },       /* INT_PENDING, SMI_ON_IO */
    { 0xc0010058, 0xc0010058, AMD, WRITE_IGNORED, 0, 0 },       /* MMIO_CFG_BASE */
    { 0xc0010061, 0xc001006b, AMD, WRITE_IGNORED, 0, 0 },       /* P-states */
    { 0xc0010111, 0xc0010113, AMD, WRITE_IGNORED, 0, 0 },       /* SMM_BASE, _ADDR, _MASK */
    { 0xc0010114, 0xc0010114, AMD, WRITE_IGNORED, 0, 1u << 4 }, /* VM_CR: SVM disabled */
    { 0xc0010200, 0xc001020b, AMD, WRITE_IGNORED, 0, 0 },       /* PERF_CTL, PERF_CTR */
    { 0xc0011020, 0xc0011023, AMD, WRITE_IGNORED, 0, 0 },       /* LS_CFG, IC_CFG, DC_CFG, BU_CFG */
    { 0xc0011029, 0xc0011029, AMD, WRITE_IGNORED, 0, 1u << 1 }, /* DE_CFG: LFENCE serialises */
    { 0xc001102a, 0xc001102a, AMD, WRITE_IGNORED, 0, 0 },       /* BU_CFG2 */
    { 0xc001102c, 0xc001102c, AMD, WRITE_IGNORED, 0, 0 },       /* LS_CFG2 */
};

static const MsrRow *row_find(const Cpu *cpu, uint32_t msr)
{
    MsrVendor other = cpu_has_feature(cpu, CPU_FEATURE_AMD) ? INTEL : AMD;

    for (size_t i = 0; i < sizeof(msr_rows) / sizeof(msr_rows[0]); i++) {
        const MsrRow *row = &msr_rows[i];

        if (msr >= row->first && msr <= row->last) {
            return row->vendor != other && cpu_has_feature(cpu, row->feature) ? row : NULL;
        }
    }
    return NULL;
}

bool msr_row_read(const Cpu *cpu, uint32_t msr, uint64_t *value)
{
    const MsrRow *row = row_find(cpu, msr);

    if (row == NULL || row->access == WRITE_ONLY) {
        return false;
    }
    *value = row->value;
    return true;
}

bool msr_row_write(const Cpu *cpu, uint32_t msr)
{
    const MsrRow *row = row_find(cpu, msr);

    return row != NULL && row->access != READ_ONLY;
}
