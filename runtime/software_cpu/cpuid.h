/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_CPUID_H
#define SOFTWARE_CPU_CPUID_H
/* cpuid.h - CPU models: what CPUID says, and which instructions, control bits and MSRs exist.
 *
 * A model is made once from QEMU's -cpu syntax ("max,-avx2,+pcid,model-id=Some CPU") and never
 * changes while a CPU uses it; all vCPUs of a machine share it.  Feature names are QEMU's.
 *
 * Every flag is one of three kinds: run by the host CPU (offered only if the host has it), made by
 * doppel (always offered), or not implemented.  A named model loses what cannot be had and keeps a
 * list of it for a warning; a flag that the user asks for by name and cannot have is an error.
 *
 * Construction uses GLib. Queries (cpuid_query and everything on a `const Cpu *` or `const CpuModel
 * *` below) are safe while guest vector state is live.
 */
#include <glib.h>
#include "runtime/cpu/cpu.h"
#include "translator/insn_feature.h"

/* Features that are no instruction's. Their numbers continue those of InsnFeature, and both index
 * the same bitmap. */
typedef enum CpuFeature {
    CPU_FEATURE_VME = INSN_FEATURES,
    CPU_FEATURE_DE,
    CPU_FEATURE_PSE,
    CPU_FEATURE_PAE,
    CPU_FEATURE_MCE,
    CPU_FEATURE_APIC,
    CPU_FEATURE_MTRR,
    CPU_FEATURE_PGE,
    CPU_FEATURE_MCA,
    CPU_FEATURE_PAT,
    CPU_FEATURE_PSE36,
    CPU_FEATURE_PCID,
    CPU_FEATURE_X2APIC,
    CPU_FEATURE_TSC_DEADLINE,
    CPU_FEATURE_TSC_ADJUST,
    CPU_FEATURE_SMEP,
    CPU_FEATURE_UMIP,
    CPU_FEATURE_NX,
    CPU_FEATURE_PDPE1GB,
    CPU_FEATURE_XGETBV1,
    CPU_FEATURE_SPEC_CTRL, /* IA32_SPEC_CTRL and IA32_PRED_CMD exist */
    CPU_FEATURE_ARCH_CAPABILITIES,
    CPU_FEATURE_AUTO_IBRS,
    CPU_FEATURE_PV_CLOCK, /* KVM's clock: pv_clock.h */
    CPU_FEATURE_AMD,      /* vendor is AMD: SYSCALL in legacy mode, AMD's MSRs */
    CPU_FEATURES
} CpuFeature;

typedef enum CpuModelErrorCode { CPU_MODEL_ERROR_UNKNOWN, CPU_MODEL_ERROR_VALUE } CpuModelErrorCode;
#define CPU_MODEL_ERROR (cpu_model_error_quark())
GQuark cpu_model_error_quark(void);

/* `text` as behind -cpu; NULL: "max". NULL with *error naming the model or flag otherwise. */
CpuModel *cpu_model_new(const char *text, GError **error);
void cpu_model_free(CpuModel *model);

/* Lines for the user about what the model lost; may be empty. Owned by the model. */
const GPtrArray *cpu_model_warnings(const CpuModel *model);

/* What `-cpu help` prints: models with descriptions, then flags. Caller frees. */
char *cpu_model_help(void);

/* How CPUs lie in sockets, all filled alike. */
typedef struct CpuTopology {
    unsigned dies, cores, threads; /* of a socket, of a die, of a core */
} CpuTopology;

/* Before the model is used: how CPUs lie in sockets (default: each alone), and the guest TSC's
 * frequency (see tsc.h; default 0: not told to the guest). */
void cpu_model_set_topology(CpuModel *model, const CpuTopology *topology);
void cpu_model_set_tsc_hz(CpuModel *model, uint64_t hz);

const char *cpu_model_name(const CpuModel *model);
const char *cpu_model_vendor(const CpuModel *model); /* 12 characters */
const char *cpu_model_brand(const CpuModel *model);
uint32_t cpu_model_signature(const CpuModel *model); /* CPUID leaf 1 EAX, RDX after reset */
unsigned cpu_model_phys_bits(const CpuModel *model);
uint64_t cpu_model_arch_capabilities(const CpuModel *model);
/* Local APIC ID of CPU number `index`: fields of so many bits for socket, die, core and thread. */
uint32_t cpu_model_apic_id(const CpuModel *model, unsigned index);
uint32_t cpu_model_core_thread_count(const CpuModel *model); /* cores << 16 | threads */
uint64_t cpu_model_tsc_hz(const CpuModel *model);
/* XCR0 bits that XSETBV may set; 0 without XSAVE. */
uint64_t cpu_model_xcr0_mask(const CpuModel *model);

/* `feature` is an InsnFeature or a CpuFeature. Without a model (a bare Cpu in a test) all but
 * INSN_FEATURE_NEVER, INSN_FEATURE_AVX512 and CPU_FEATURE_AMD are there. */
bool cpu_has_feature(const Cpu *cpu, unsigned feature);
bool cpu_model_has(const CpuModel *model, unsigned feature);

/* CPUID as this CPU sees it now (APIC id, OSXSAVE, sizes by XCR0): EAX, EBX, ECX, EDX. */
void cpuid_query(const Cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

#endif
