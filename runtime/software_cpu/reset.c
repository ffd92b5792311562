/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reset.c - the state after power-on and after INIT (SDM vol. 3 table 10-1).  The FPU starts as
 * FNINIT leaves it, which is also what INIT finds on a CPU that firmware has set up. */
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/msr_int.h"
#include "runtime/software_cpu/system.h"
#include "runtime/software_cpu/tsc.h"
#include <cpuid.h>

enum {
    SIGNATURE_DEFAULT = 0x600, /* without a model */
    FCW_AT = 0,                /* in the XSAVE area */
    MXCSR_AT = 24,
    XSTATE_BV_AT = 512,
    XSAVE_LEGACY_AND_HEADER = 576,
    FCW_INITIAL = 0x37f,
    MXCSR_INITIAL = 0x1f80,
    ATTR_REAL = ATTR_P | ATTR_S | ATTR_RW | ATTR_ACCESSED,
    TYPE_LDT = 2,
    TYPE_TSS_BUSY = 11,
    APIC_BASE_BSP = 1u << 8,
    APIC_BASE_ENABLED = 1u << 11,
};

#define PAT_INITIAL 0x0007040600070406ull

/* The components of host state that can hold guest state: x87, SSE, and AVX where there is. */
static uint64_t xsave_mask(void)
{
    enum { X87_SSE_AVX = 7, X87_SSE = 3 };
    uint32_t eax, ebx, ecx, edx;

    __cpuid(1, eax, ebx, ecx, edx);
    if (!(ecx & bit_OSXSAVE)) {
        return X87_SSE;
    }
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax & X87_SSE_AVX;
}

static void vector_reset(Cpu *cpu)
{
    cpu_vector_park(cpu);
    for (unsigned i = 0; i < XSAVE_SIZE; i++) {
        cpu->xsave[i] = 0;
    }
    *(uint16_t *)(void *)(cpu->xsave + FCW_AT) = FCW_INITIAL;
    *(uint32_t *)(void *)(cpu->xsave + MXCSR_AT) = MXCSR_INITIAL;
    *(uint64_t *)(void *)(cpu->xsave + XSTATE_BV_AT) = 3; /* x87 and SSE are in the legacy area */
    if (cpu->xsave_mask == 0) {
        cpu->xsave_mask = xsave_mask();
    }
    cpu->xcr0 = 1;
    if (cpu->host_mxcsr == 0) {
        cpu->host_mxcsr = MXCSR_INITIAL;
    }
}

static void segments_reset(Cpu *cpu)
{
    for (SegmentName name = ES; name <= GS; name++) {
        cpu->seg[name] = (Segment){ .limit = 0xffff, .attr = ATTR_REAL };
    }
    cpu->seg[CS].selector = 0xf000;
    cpu->seg[CS].base = 0xffff0000;
    cpu->seg[LDTR] = (Segment){ .limit = 0xffff, .attr = ATTR_P | TYPE_LDT };
    cpu->seg[TR] = (Segment){ .limit = 0xffff, .attr = ATTR_P | TYPE_TSS_BUSY };
    cpu->gdtr = cpu->idtr = (TableRegister){ .limit = 0xffff };
}

/* What RESET clears and INIT keeps: MSRs, the time-stamp counter, caches, FPU. */
static void power_on(Cpu *cpu)
{
    bool amd = cpu_has_feature(cpu, CPU_FEATURE_AMD);

    vector_reset(cpu);
    cpu->cr0 = CR0_CD | CR0_NW;
    cpu->star = cpu->lstar = cpu->cstar = cpu->fmask = 0;
    cpu->kernel_gs_base = 0;
    cpu->sysenter_cs = cpu->sysenter_esp = cpu->sysenter_eip = 0;
    cpu->tsc_aux = cpu->tsc_adjust = 0;
    cpu->pat = PAT_INITIAL;
    cpu->apic_base = 0xfee00000 | APIC_BASE_ENABLED | (cpu->index == 0 ? APIC_BASE_BSP : 0);
    cpu->pv_system_time = cpu->pv_wall_clock = 0;
    cpu->misc_enable = MISC_ENABLE_FAST_STRINGS | MISC_ENABLE_NO_BTS | MISC_ENABLE_NO_PEBS;
    if (cpu_has_feature(cpu, INSN_FEATURE_MONITOR)) {
        cpu->misc_enable |= MISC_ENABLE_MONITOR;
    }
    cpu->mtrr_def_type = 0;
    for (unsigned i = 0; i < 11; i++) {
        cpu->mtrr_fixed[i] = 0;
    }
    for (unsigned i = 0; i < 8; i++) {
        cpu->mtrr_base[i] = cpu->mtrr_mask[i] = 0;
    }
    cpu->xss = cpu->spec_ctrl = cpu->debugctl = cpu->mcg_status = 0;
    for (unsigned i = 0; i < 16; i++) {
        cpu->mc_bank[i] = 0;
    }
    cpu->bios_sign_id = amd ? 0x01000065 : 1ull << 32;
    cpu->smbase = 0x30000;
    if (cpu->a20_mask == 0) {
        cpu->a20_mask = UINT32_MAX;
    }
    tsc_write(cpu, 0);
    cpu_request_clear(cpu, CPU_REQUEST_INTR | CPU_REQUEST_NMI | CPU_REQUEST_SMI | CPU_REQUEST_INIT |
                               CPU_REQUEST_SIPI);
}

void software_cpu_loaded(Cpu *cpu)
{
    cpu_mode_update(cpu);
    if (cpu->mmu != NULL) {
        mmu_mode_changed(cpu);
        mmu_flush_all(cpu);
    }
}

void software_cpu_reset(Cpu *cpu, bool init)
{
    bool was_smm = cpu->smm;

    if (!init) {
        power_on(cpu);
    }
    for (unsigned i = 0; i < 16; i++) {
        cpu->gpr[i] = 0;
    }
    cpu->gpr[RDX] = cpu->model != NULL ? cpu_model_signature(cpu->model) : SIGNATURE_DEFAULT;
    cpu->rip = 0xfff0;
    cpu->rflags = FLAG_1;
    cpu->cr0 = (cpu->cr0 & (CR0_CD | CR0_NW)) | CR0_ET;
    cpu->cr2 = cpu->cr3 = cpu->cr4 = 0;
    cpu->efer = 0;
    for (unsigned i = 0; i < 8; i++) {
        cpu->dr[i] = 0;
    }
    cpu->dr[6] = DR6_FIXED;
    cpu->dr[7] = DR7_FIXED;
    segments_reset(cpu);
    cpu->fault = (Fault){ 0 };
    cpu->halted = false;
    cpu->wait_sipi = cpu->index != 0;
    cpu->shadow = SHADOW_NONE;
    cpu->nmi_blocked = false;
    cpu->smm = false;
    cpu->monitor_address = 0;
    cpu->monitor_line = NULL;
    cpu->monitor_waits = false;
    if (was_smm && cpu->bus != NULL && cpu->bus->smm_changed != NULL) {
        cpu->bus->smm_changed(cpu, false);
    }
    software_cpu_loaded(cpu);
}
