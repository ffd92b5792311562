/* SPDX-License-Identifier: GPL-2.0-or-later */
/* msr.c - RDMSR and WRMSR: architectural MSRs that have state in Cpu, and the dispatch to the
 * tables of msr_rows.c (constants and ranges that software expects to find). */
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/msr_int.h"
#include "runtime/software_cpu/pv_clock.h"
#include "runtime/software_cpu/system.h"
#include "runtime/software_cpu/tsc.h"

static bool has(const Cpu *cpu, unsigned feature)
{
    return cpu_has_feature(cpu, feature);
}

/* ---- EFER ---- */

static bool efer_exists(const Cpu *cpu)
{
    return has(cpu, INSN_FEATURE_SYSCALL) || has(cpu, CPU_FEATURE_NX) || has(cpu, INSN_FEATURE_LM);
}

static bool efer_write(Cpu *cpu, uint64_t value)
{
    uint64_t allowed = EFER_LMA, changed;

    allowed |= has(cpu, INSN_FEATURE_SYSCALL) ? EFER_SCE : 0;
    allowed |= has(cpu, INSN_FEATURE_LM) ? EFER_LME : 0;
    allowed |= has(cpu, CPU_FEATURE_NX) ? EFER_NXE : 0;
    allowed |= has(cpu, CPU_FEATURE_AUTO_IBRS) ? EFER_AUTO_IBRS : 0;
    if (!efer_exists(cpu) || (value & ~allowed)) {
        return false;
    }
    value = (value & ~(uint64_t)EFER_LMA) | (cpu->efer & EFER_LMA);
    changed = value ^ cpu->efer;
    if ((changed & EFER_LME) && (cpu->cr0 & CR0_PG)) {
        return false;
    }
    cpu->efer = value;
    cpu_mode_update(cpu);
    if (changed & (EFER_NXE | EFER_LME)) {
        mmu_mode_changed(cpu);
    }
    return true;
}

/* ---- Memory types ---- */

static bool memory_type_valid(unsigned type, bool in_pat)
{
    return type == 0 || type == 1 || (type >= 4 && type <= 6) || (in_pat && type == 7);
}

static bool memory_types_valid(uint64_t value, bool in_pat)
{
    for (unsigned i = 0; i < 8; i++) {
        if (!memory_type_valid(value >> (8 * i) & 0xff, in_pat)) {
            return false;
        }
    }
    return true;
}

static uint64_t address_reserved(const Cpu *cpu)
{
    unsigned bits = cpu->model != NULL ? cpu_model_phys_bits(cpu->model) : 52;

    return ~0ull << bits;
}

/* Index in Cpu.mtrr_fixed of MSR 250, 258, 259, 268 to 26F; -1: none of them. */
static int mtrr_fixed_index(uint32_t msr)
{
    switch (msr) {
    case 0x250:
        return 0;
    case 0x258:
    case 0x259:
        return (int)(msr - 0x258) + 1;
    default:
        return msr >= 0x268 && msr <= 0x26f ? (int)(msr - 0x268) + 3 : -1;
    }
}

static bool mtrr_read(const Cpu *cpu, uint32_t msr, uint64_t *value)
{
    int fixed = mtrr_fixed_index(msr);

    if (msr >= MSR_MTRR_PHYSBASE0 && msr < MSR_MTRR_PHYSBASE0 + 16) {
        unsigned i = (msr - MSR_MTRR_PHYSBASE0) / 2;

        *value = msr & 1 ? cpu->mtrr_mask[i] : cpu->mtrr_base[i];
    } else if (fixed >= 0) {
        *value = cpu->mtrr_fixed[fixed];
    } else {
        *value = cpu->mtrr_def_type;
    }
    return true;
}

static bool mtrr_write(Cpu *cpu, uint32_t msr, uint64_t value)
{
    int fixed = mtrr_fixed_index(msr);

    if (fixed >= 0) {
        if (!memory_types_valid(value, false)) {
            return false;
        }
        cpu->mtrr_fixed[fixed] = value;
    } else if (msr == MSR_MTRR_DEF_TYPE) {
        if ((value & ~0xcffull) || !memory_type_valid(value & 0xff, false)) {
            return false;
        }
        cpu->mtrr_def_type = value;
    } else {
        unsigned i = (msr - MSR_MTRR_PHYSBASE0) / 2;
        uint64_t reserved = address_reserved(cpu) | (msr & 1 ? 0x7ff : 0xf00);

        if ((value & reserved) || (!(msr & 1) && !memory_type_valid(value & 0xff, false))) {
            return false;
        }
        *(msr & 1 ? &cpu->mtrr_mask[i] : &cpu->mtrr_base[i]) = value;
    }
    return true;
}

static bool msr_is_mtrr(const Cpu *cpu, uint32_t msr)
{
    return has(cpu, CPU_FEATURE_MTRR) && (mtrr_fixed_index(msr) >= 0 || msr == MSR_MTRR_DEF_TYPE ||
                                          (msr >= MSR_MTRR_PHYSBASE0 && msr < 0x210));
}

/* ---- Machine check: four banks that never report anything of their own ---- */

static bool msr_is_mc_bank(const Cpu *cpu, uint32_t msr)
{
    return has(cpu, CPU_FEATURE_MCA) && msr >= MSR_MC0_CTL && msr < MSR_MC0_CTL + 4 * MC_BANKS;
}

static bool mc_bank_write(Cpu *cpu, uint32_t msr, uint64_t value)
{
    unsigned index = msr - MSR_MC0_CTL;

    if (index % 4 == 0) { /* CTL: all ones or all zeros, AMD and Linux also clear single bits */
        cpu->mc_bank[index] = value;
        return true;
    }
    if (value != 0) { /* status, address, misc: software may only clear them */
        return false;
    }
    cpu->mc_bank[index] = 0;
    return true;
}

/* ---- Local APIC ---- */

static bool msr_is_apic(const Cpu *cpu, uint32_t msr)
{
    return (msr == MSR_APIC_BASE && has(cpu, CPU_FEATURE_APIC)) ||
           (msr >= 0x800 && msr <= 0x8ff && has(cpu, CPU_FEATURE_X2APIC)) ||
           (msr == MSR_TSC_DEADLINE && has(cpu, CPU_FEATURE_TSC_DEADLINE));
}

static bool apic_read(Cpu *cpu, uint32_t msr, uint64_t *value)
{
    if (cpu->bus == NULL || cpu->bus->apic_msr_read == NULL) {
        *value = cpu->apic_base;
        return msr == MSR_APIC_BASE;
    }
    return cpu->bus->apic_msr_read(cpu, msr, value);
}

static bool apic_write(Cpu *cpu, uint32_t msr, uint64_t value)
{
    bool is_base = msr == MSR_APIC_BASE;

    if (is_base && ((value & address_reserved(cpu)) ||
                    ((value & APIC_BASE_X2APIC) && !has(cpu, CPU_FEATURE_X2APIC)))) {
        return false;
    }
    if (cpu->bus == NULL || cpu->bus->apic_msr_write == NULL) {
        if (is_base) {
            cpu->apic_base = value;
        }
        return is_base;
    }
    if (!cpu->bus->apic_msr_write(cpu, msr, value)) {
        return false;
    }
    if (is_base) {
        cpu->apic_base = value; /* CPUID shows whether it is enabled */
    }
    return true;
}

/* ---- Plain registers: one field of Cpu each ---- */

typedef enum PlainCheck {
    ANY,
    CANONICAL, /* #GP otherwise */
    LOW_32,    /* upper half is ignored */
    LOW_AMD,   /* upper half is ignored on AMD's CPUs, #GP on others */
} PlainCheck;

typedef struct PlainMsr {
    uint32_t msr;
    uint16_t feature; /* that brings it; 0: always there */
    uint8_t check;
    uint16_t offset; /* of a uint64_t in Cpu */
} PlainMsr;

_Static_assert(offsetof(Cpu, bios_sign_id) <= UINT16_MAX, "offsets of plain MSRs fit 16 bits");

static const PlainMsr plain_msrs[] = {
    { 0x174, INSN_FEATURE_SEP, LOW_32, offsetof(Cpu, sysenter_cs) },
    { 0x175, INSN_FEATURE_SEP, CANONICAL, offsetof(Cpu, sysenter_esp) },
    { 0x176, INSN_FEATURE_SEP, CANONICAL, offsetof(Cpu, sysenter_eip) },
    { 0xc0000081, INSN_FEATURE_SYSCALL, ANY, offsetof(Cpu, star) },
    { 0xc0000082, INSN_FEATURE_LM, CANONICAL, offsetof(Cpu, lstar) },
    { 0xc0000083, INSN_FEATURE_LM, CANONICAL, offsetof(Cpu, cstar) },
    { 0xc0000084, INSN_FEATURE_LM, LOW_32, offsetof(Cpu, fmask) },
    { 0xc0000100, INSN_FEATURE_LM, CANONICAL, offsetof(Cpu, seg[FS].base) },
    { 0xc0000101, INSN_FEATURE_LM, CANONICAL, offsetof(Cpu, seg[GS].base) },
    { 0xc0000102, INSN_FEATURE_LM, CANONICAL, offsetof(Cpu, kernel_gs_base) },
    { 0xc0000103, INSN_FEATURE_RDTSCP, LOW_AMD, offsetof(Cpu, tsc_aux) },
    { 0x17a, CPU_FEATURE_MCA, ANY, offsetof(Cpu, mcg_status) },
};

static uint64_t *plain_msr(Cpu *cpu, uint32_t msr, PlainCheck *check)
{
    for (size_t i = 0; i < sizeof(plain_msrs) / sizeof(plain_msrs[0]); i++) {
        const PlainMsr *row = &plain_msrs[i];

        if (row->msr == msr) {
            *check = row->check;
            return has(cpu, row->feature) || (msr == 0xc0000103 && has(cpu, INSN_FEATURE_RDPID))
                       ? (uint64_t *)(void *)((uint8_t *)cpu + row->offset)
                       : NULL;
        }
    }
    return NULL;
}

static bool plain_write(const Cpu *cpu, uint64_t *field, PlainCheck check, uint64_t value)
{
    if ((check == CANONICAL && !address_canonical(value)) ||
        (check == LOW_AMD && value >> 32 != 0 && !has(cpu, CPU_FEATURE_AMD))) {
        return false;
    }
    *field = check == LOW_32 || check == LOW_AMD ? (uint32_t)value : value;
    return true;
}

/* ---- The rest of the architectural ones ---- */

static bool special_read(Cpu *cpu, uint32_t msr, uint64_t *value)
{
    switch (msr) {
    case MSR_TSC:
        *value = tsc_read(cpu);
        return has(cpu, INSN_FEATURE_TSC);
    case MSR_TSC_ADJUST:
        *value = cpu->tsc_adjust;
        return has(cpu, CPU_FEATURE_TSC_ADJUST);
    case MSR_EFER:
        *value = cpu->efer;
        return efer_exists(cpu);
    case MSR_PAT:
        *value = cpu->pat;
        return has(cpu, CPU_FEATURE_PAT);
    case MSR_MISC_ENABLE:
        *value = cpu->misc_enable;
        return true;
    case MSR_SPEC_CTRL:
        *value = cpu->spec_ctrl;
        return has(cpu, CPU_FEATURE_SPEC_CTRL);
    case MSR_ARCH_CAPABILITIES:
        *value = cpu->model != NULL ? cpu_model_arch_capabilities(cpu->model) : 0;
        return has(cpu, CPU_FEATURE_ARCH_CAPABILITIES);
    case MSR_DEBUGCTL:
        *value = cpu->debugctl;
        return true;
    case MSR_BIOS_SIGN_ID:
        *value = cpu->bios_sign_id;
        return true;
    case MSR_XSS:
        *value = cpu->xss;
        return has(cpu, INSN_FEATURE_XSAVES);
    case MSR_PLATFORM_INFO:
        *value = cpu->model != NULL ? cpu_model_tsc_hz(cpu->model) / 100000000 << 8 : 0;
        return true;
    case MSR_CORE_THREAD_COUNT:
        *value = cpu->model != NULL ? cpu_model_core_thread_count(cpu->model) : 0x10001;
        return !has(cpu, CPU_FEATURE_AMD);
    case MSR_SMBASE:
        *value = cpu->smbase;
        return cpu->smm;
    default:
        return false;
    }
}

/* The local APIC's deadline is a value of the TSC. */
static bool tsc_moved(Cpu *cpu)
{
    pv_clock_tsc_changed(cpu);
    if (cpu->bus != NULL && cpu->bus->tsc_changed != NULL) {
        cpu->bus->tsc_changed(cpu);
    }
    return true;
}

static bool tsc_msr_write(Cpu *cpu, uint64_t value)
{
    uint64_t old = cpu->tsc_offset;

    if (!has(cpu, INSN_FEATURE_TSC)) {
        return false;
    }
    tsc_write(cpu, value);
    cpu->tsc_adjust += cpu->tsc_offset - old;
    return tsc_moved(cpu);
}

static bool tsc_adjust_write(Cpu *cpu, uint64_t value)
{
    if (!has(cpu, CPU_FEATURE_TSC_ADJUST)) {
        return false;
    }
    cpu->tsc_offset += value - cpu->tsc_adjust;
    cpu->tsc_adjust = value;
    return tsc_moved(cpu);
}

static bool special_write(Cpu *cpu, uint32_t msr, uint64_t value)
{
    switch (msr) {
    case MSR_TSC:
        return tsc_msr_write(cpu, value);
    case MSR_TSC_ADJUST:
        return tsc_adjust_write(cpu, value);
    case MSR_EFER:
        return efer_write(cpu, value);
    case MSR_PAT:
        if (!has(cpu, CPU_FEATURE_PAT) || !memory_types_valid(value, true)) {
            return false;
        }
        cpu->pat = value;
        return true;
    case MSR_MISC_ENABLE:
        cpu->misc_enable = (cpu->misc_enable & ~MISC_ENABLE_WRITABLE) |
                           (value & MISC_ENABLE_WRITABLE);
        return true;
    case MSR_SPEC_CTRL:
        if (!has(cpu, CPU_FEATURE_SPEC_CTRL) || (value & ~SPEC_CTRL_WRITABLE)) {
            return false;
        }
        cpu->spec_ctrl = value;
        return true;
    case MSR_PRED_CMD: /* nothing that is translated is predicted across it */
        return has(cpu, CPU_FEATURE_SPEC_CTRL) && (value & ~1ull) == 0;
    case MSR_DEBUGCTL:
        if (value & ~DEBUGCTL_WRITABLE) {
            return false;
        }
        cpu->debugctl = value;
        return true;
    case MSR_BIOS_SIGN_ID: /* cleared so that CPUID fills in the revision: it always is there */
        return true;
    case MSR_XSS:
        return has(cpu, INSN_FEATURE_XSAVES) && value == 0;
    default:
        return false;
    }
}

/* ---- Entry points ---- */

static bool msr_find_read(Cpu *cpu, uint32_t msr, uint64_t *value)
{
    PlainCheck check;
    const uint64_t *field = plain_msr(cpu, msr, &check);

    if (field != NULL) {
        *value = *field;
        return true;
    }
    if (msr_is_apic(cpu, msr)) {
        return apic_read(cpu, msr, value);
    }
    if (msr_is_mtrr(cpu, msr)) {
        return mtrr_read(cpu, msr, value);
    }
    if (pv_clock_is(cpu, msr)) {
        *value = pv_clock_read(cpu, msr);
        return true;
    }
    if (msr_is_mc_bank(cpu, msr)) {
        *value = cpu->mc_bank[msr - MSR_MC0_CTL];
        return true;
    }
    return special_read(cpu, msr, value) || msr_row_read(cpu, msr, value);
}

static bool msr_find_write(Cpu *cpu, uint32_t msr, uint64_t value)
{
    PlainCheck check;
    uint64_t *field = plain_msr(cpu, msr, &check);

    if (field != NULL) {
        return plain_write(cpu, field, check, value);
    }
    if (msr_is_apic(cpu, msr)) {
        return apic_write(cpu, msr, value);
    }
    if (msr_is_mtrr(cpu, msr)) {
        return mtrr_write(cpu, msr, value);
    }
    if (pv_clock_is(cpu, msr)) {
        return pv_clock_write(cpu, msr, value);
    }
    if (msr_is_mc_bank(cpu, msr)) {
        return mc_bank_write(cpu, msr, value);
    }
    return special_write(cpu, msr, value) || msr_row_write(cpu, msr);
}

static bool msr_refuse(Cpu *cpu, uint32_t msr, bool write, uint64_t value)
{
    if (cpu->bus != NULL && cpu->bus->msr_refused != NULL) {
        cpu->bus->msr_refused(cpu, msr, write, value);
    }
    fault_gp0(cpu);
    return false;
}

bool msr_read(Cpu *cpu, uint32_t msr, uint64_t *value)
{
    return msr_find_read(cpu, msr, value) || msr_refuse(cpu, msr, false, 0);
}

bool msr_write(Cpu *cpu, uint32_t msr, uint64_t value)
{
    return msr_find_write(cpu, msr, value) || msr_refuse(cpu, msr, true, value);
}

Step exec_rdmsr(Cpu *cpu, const Insn *insn)
{
    uint64_t value;

    (void)insn;
    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    if (!msr_read(cpu, (uint32_t)cpu->gpr[RCX], &value)) {
        return STEP_FAULT;
    }
    cpu->gpr[RAX] = (uint32_t)value;
    cpu->gpr[RDX] = value >> 32;
    return STEP_NEXT;
}

Step exec_wrmsr(Cpu *cpu, const Insn *insn)
{
    uint64_t value = cpu->gpr[RDX] << 32 | (uint32_t)cpu->gpr[RAX];

    (void)insn;
    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    return msr_write(cpu, (uint32_t)cpu->gpr[RCX], value) ? STEP_NEXT : STEP_FAULT;
}
