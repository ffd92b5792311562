/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_CPUID_INT_H
#define SOFTWARE_CPU_CPUID_INT_H
/* cpuid_int.h - the inside of a CpuModel: cpuid.c answers from it, cpu_model.c makes it from the
 * rows of cpu_flags.c and cpu_models.c. */
#include "runtime/software_cpu/cpuid.h"

enum { LEVEL_TOPOLOGY = 0xb, LEVEL_TOPOLOGY_2 = 0x1f }; /* leaves of CPUID */

/* Registers that hold feature flags. */
typedef enum FlagWord {
    WORD_1_EDX,
    WORD_1_ECX,
    WORD_6_EAX,
    WORD_7_EBX,
    WORD_7_ECX,
    WORD_7_EDX,
    WORD_7_1_EAX,
    WORD_D_1_EAX,
    WORD_80000001_EDX,
    WORD_80000001_ECX,
    WORD_80000007_EDX,
    WORD_80000008_EBX,
    WORD_80000021_EAX,
    WORD_40000001_EAX,
    WORD_ARCH_CAPABILITIES, /* the MSR */
    FLAG_WORDS
} FlagWord;

typedef enum FlagKind {
    FLAG_HOST,  /* run by the host CPU: offered if it has the flag */
    FLAG_SOFT,  /* made by doppel */
    FLAG_OPT,   /* made by doppel, but not part of "max" */
    FLAG_NEVER, /* not implemented */
} FlagKind;

typedef struct CpuFlag {
    const char *name;
    const char *alias; /* a second name that QEMU knows, or NULL */
    uint8_t word, bit, kind;
    uint8_t feature; /* InsnFeature or CpuFeature, or 0 */
} CpuFlag;

extern const CpuFlag cpu_flags[];
extern const unsigned cpu_flags_count;
/* '-' and '_' are alike; NULL: unknown. */
const CpuFlag *cpu_flag_find(const char *name, size_t length);
/* The host CPU's word (the MSR: 0). */
uint64_t cpu_flag_host_word(FlagWord word);

typedef struct CpuModelRow {
    const char *name, *alias; /* an alias or NULL */
    const char *about;
    const char *vendor; /* NULL: the host's, with its family, model, stepping and brand */
    const char *brand;
    const char *base;  /* model whose flags come first, or NULL */
    const char *flags; /* names separated by blanks; with a leading '-': less than the base */
    uint32_t level, xlevel;
    uint16_t family;
    uint8_t model, stepping;
} CpuModelRow;

extern const CpuModelRow cpu_model_rows[];
extern const unsigned cpu_model_rows_count;

struct CpuModel {
    char name[32];
    char vendor[13];
    char brand[49];
    uint32_t family, model, stepping;
    uint32_t level, xlevel; /* highest basic and extended leaf */
    uint64_t words[FLAG_WORDS];
    uint64_t features[(CPU_FEATURES + 63) / 64];
    unsigned phys_bits;
    CpuTopology topology;
    uint64_t tsc_hz;
    bool amd;
    bool is_host;        /* "max": may grow with what doppel learns to do */
    GPtrArray *warnings; /* of char * */
};

#endif
