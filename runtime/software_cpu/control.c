/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control.c - control registers (SDM vol. 3 2.5, 4.1, 9.8) and what flushes translations. */
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/system.h"

enum {
    CR0_WRITABLE = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD |
                   CR0_PG,
};

#define CR3_NO_FLUSH (1ull << 63)

/* PDPTEs are registers of the CPU in PAE paging outside long mode. */
static bool paging_is_pae(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
    return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(efer & EFER_LME);
}

/* ---- CR0 ---- */

static bool cr0_valid(const Cpu *cpu, uint64_t value)
{
    uint64_t changed = cpu->cr0 ^ value;

    if (value >> 32 != 0 || ((value & CR0_PG) && !(value & CR0_PE)) ||
        ((value & CR0_NW) && !(value & CR0_CD))) {
        return false;
    }
    if (!(changed & CR0_PG)) {
        return true;
    }
    if (!(value & CR0_PG)) {
        return !(cpu->mode & MODE_CS64) && !(cpu->cr4 & CR4_PCIDE);
    }
    if (cpu->efer & EFER_LME) {
        return (cpu->cr4 & CR4_PAE) && !(cpu->seg[CS].attr & ATTR_L);
    }
    return true;
}

static bool cr0_write(Cpu *cpu, uint64_t value)
{
    uint64_t old = cpu->cr0;
    uint64_t changed;

    if (!cr0_valid(cpu, value)) {
        fault_gp0(cpu);
        return false;
    }
    value = (value & CR0_WRITABLE) | CR0_ET;
    changed = old ^ value;
    if ((changed & (CR0_PG | CR0_CD | CR0_NW)) && paging_is_pae(value, cpu->cr4, cpu->efer) &&
        !mmu_load_pdptes(cpu)) {
        fault_gp0(cpu);
        return false;
    }
    cpu->cr0 = value;
    if ((changed & CR0_PG) && (cpu->efer & EFER_LME)) {
        cpu->efer = value & CR0_PG ? cpu->efer | EFER_LMA : cpu->efer & ~(uint64_t)EFER_LMA;
    }
    cpu_mode_update(cpu);
    if (changed & (CR0_PG | CR0_WP | CR0_PE)) {
        mmu_mode_changed(cpu);
    }
    return true;
}

/* ---- CR3 ---- */

static bool cr3_write(Cpu *cpu, uint64_t value)
{
    bool keep = (cpu->cr4 & CR4_PCIDE) && (value & CR3_NO_FLUSH);
    unsigned phys_bits = cpu->model != NULL ? cpu_model_phys_bits(cpu->model) : 52;
    uint64_t old = cpu->cr3;

    if (cpu->cr4 & CR4_PCIDE) {
        value &= ~CR3_NO_FLUSH;
    }
    if ((cpu->mode & MODE_LMA) && value >> phys_bits != 0) {
        fault_gp0(cpu);
        return false;
    }
    cpu->cr3 = value;
    if (paging_is_pae(cpu->cr0, cpu->cr4, cpu->efer) && !mmu_load_pdptes(cpu)) {
        cpu->cr3 = old;
        fault_gp0(cpu);
        return false;
    }
    mmu_cr3_write(cpu, keep);
    return true;
}

/* ---- CR4 ---- */

static uint64_t cr4_writable(const Cpu *cpu)
{
    static const struct {
        uint32_t bits;
        uint16_t feature;
    } rows[] = {
        { CR4_VME | CR4_PVI, CPU_FEATURE_VME },
        { CR4_TSD, INSN_FEATURE_TSC },
        { CR4_DE, CPU_FEATURE_DE },
        { CR4_PSE, CPU_FEATURE_PSE },
        { CR4_PAE, CPU_FEATURE_PAE },
        { CR4_MCE, CPU_FEATURE_MCE },
        { CR4_PGE, CPU_FEATURE_PGE },
        { CR4_PCE, INSN_FEATURE_RDPMC },
        { CR4_OSFXSR, INSN_FEATURE_FXSR },
        { CR4_OSXMMEXCPT, INSN_FEATURE_SSE },
        { CR4_UMIP, CPU_FEATURE_UMIP },
        { CR4_FSGSBASE, INSN_FEATURE_FSGSBASE },
        { CR4_PCIDE, CPU_FEATURE_PCID },
        { CR4_OSXSAVE, INSN_FEATURE_XSAVE },
        { CR4_SMEP, CPU_FEATURE_SMEP },
        { CR4_SMAP, INSN_FEATURE_SMAP },
    };
    uint64_t bits = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (cpu_has_feature(cpu, rows[i].feature)) {
            bits |= rows[i].bits;
        }
    }
    return bits;
}

static bool cr4_valid(const Cpu *cpu, uint64_t value)
{
    uint64_t set = value & ~cpu->cr4;

    if (value & ~cr4_writable(cpu)) {
        return false;
    }
    if ((cpu->efer & EFER_LMA) && !(value & CR4_PAE)) {
        return false;
    }
    if ((set & CR4_PCIDE) && (!(cpu->efer & EFER_LMA) || (cpu->cr3 & 0xfff) != 0)) {
        return false;
    }
    return true;
}

static bool cr4_write(Cpu *cpu, uint64_t value)
{
    enum {
        OF_PDPTES = CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP,
        OF_PAGING = CR4_PAE | CR4_PSE | CR4_PGE | CR4_SMEP | CR4_SMAP | CR4_PCIDE,
    };
    uint64_t changed = cpu->cr4 ^ value;

    if (!cr4_valid(cpu, value)) {
        fault_gp0(cpu);
        return false;
    }
    if ((changed & OF_PDPTES) && paging_is_pae(cpu->cr0, value, cpu->efer) &&
        !mmu_load_pdptes(cpu)) {
        fault_gp0(cpu);
        return false;
    }
    cpu->cr4 = value;
    cpu_mode_update(cpu);
    if (changed & OF_PAGING) {
        mmu_mode_changed(cpu);
    }
    return true;
}

bool control_write(Cpu *cpu, unsigned cr, uint64_t value)
{
    switch (cr) {
    case 0:
        return cr0_write(cpu, value);
    case 3:
        return cr3_write(cpu, value);
    case 4:
        return cr4_write(cpu, value);
    default:
        cpu_fault(cpu, VECTOR_UD);
        return false;
    }
}

/* ---- MOV to and from control registers ---- */

static bool control_exists(const Cpu *cpu, unsigned cr)
{
    return cr == 0 || cr == 2 || cr == 3 || cr == 4 || (cr == 8 && (cpu->mode & MODE_CS64));
}

static uint64_t control_read(Cpu *cpu, unsigned cr)
{
    switch (cr) {
    case 0:
        return cpu->cr0;
    case 2:
        return cpu->cr2;
    case 3:
        return cpu->cr3;
    case 4:
        return cpu->cr4;
    default:
        return cpu->bus != NULL && cpu->bus->tpr_read != NULL ? cpu->bus->tpr_read(cpu) : 0;
    }
}

static Step cr8_write(Cpu *cpu, uint64_t value)
{
    if (value > 15) {
        return fault_gp0(cpu);
    }
    if (cpu->bus != NULL && cpu->bus->tpr_write != NULL) {
        cpu->bus->tpr_write(cpu, (uint8_t)value);
    }
    return STEP_NEXT;
}

Step exec_mov_control(Cpu *cpu, const Insn *insn)
{
    bool to = insn->op[0].kind == OPERAND_CR;
    unsigned cr = to ? insn->op[0].reg : insn->op[1].reg;
    unsigned width = cpu->mode & MODE_CS64 ? 8 : 4;
    uint64_t value;

    if (!control_exists(cpu, cr)) {
        return fault_undefined(cpu);
    }
    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    if (!to) {
        gpr_write(cpu, insn->op[0].reg, width, control_read(cpu, cr));
        return STEP_NEXT;
    }
    value = gpr_read(cpu, insn->op[1].reg, width);
    if (cr == 2) {
        cpu->cr2 = value;
        return STEP_NEXT;
    }
    if (cr == 8) {
        return cr8_write(cpu, value);
    }
    return control_write(cpu, cr, value) ? STEP_NEXT : STEP_FAULT;
}

/* ---- Machine status word ---- */

Step exec_lmsw(Cpu *cpu, const Insn *insn)
{
    enum { WRITABLE = CR0_PE | CR0_MP | CR0_EM | CR0_TS };
    uint64_t value;

    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    if (!operand_read(cpu, insn, 0, &value)) {
        return STEP_FAULT;
    }
    value = (value & WRITABLE) | (cpu->cr0 & CR0_PE); /* PE can be set but not cleared */
    return control_write(cpu, 0, (cpu->cr0 & ~(uint64_t)WRITABLE) | value) ? STEP_NEXT : STEP_FAULT;
}

Step exec_smsw(Cpu *cpu, const Insn *insn)
{
    if ((cpu->cr4 & CR4_UMIP) && cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    return operand_write(cpu, insn, 0, cpu->cr0) ? STEP_NEXT : STEP_FAULT;
}

Step exec_clts(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    cpu->cr0 &= ~(uint64_t)CR0_TS;
    cpu_mode_update(cpu);
    return STEP_NEXT;
}

/* ---- Translation look-aside buffer ---- */

Step exec_invlpg(Cpu *cpu, const Insn *insn)
{
    SegmentName name = (SegmentName)insn->mem.segment;
    uint64_t linear = operand_offset(cpu, insn);

    if (!insn->has_mem) {
        return fault_undefined(cpu);
    }
    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    if (!(cpu->mode & MODE_CS64)) {
        linear = (uint32_t)(linear + cpu->seg[name].base);
    } else if (name == FS || name == GS) {
        linear += cpu->seg[name].base;
    }
    if (address_canonical(linear)) {
        mmu_flush_page(cpu, linear);
    }
    return STEP_NEXT;
}

Step exec_invpcid(Cpu *cpu, const Insn *insn)
{
    enum { ONE_ADDRESS, ONE_CONTEXT, ALL_WITH_GLOBAL, ALL_BUT_GLOBAL, TYPES };
    uint64_t type = gpr_read(cpu, insn->op[0].reg, cpu->mode & MODE_CS64 ? 8 : 4);
    uint64_t linear, pcid, address;

    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    if (!operand_linear(cpu, insn, 16, ACCESS_READ, &linear) || !mmu_read(cpu, linear, 8, &pcid) ||
        !mmu_read(cpu, linear + 8, 8, &address)) {
        return STEP_FAULT;
    }
    if (type >= TYPES || pcid >> 12 != 0 ||
        (type <= ONE_CONTEXT && pcid != 0 && !(cpu->cr4 & CR4_PCIDE)) ||
        (type == ONE_ADDRESS && !address_canonical(address))) {
        return fault_gp0(cpu);
    }
    mmu_invpcid(cpu, (unsigned)type, (uint16_t)pcid, address);
    return STEP_NEXT;
}

/* INVD, WBINVD, WBNOINVD: guest memory has no caches of ours. */
Step exec_cache_flush(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return cpu_cpl(cpu) != 0 ? fault_gp0(cpu) : STEP_NEXT;
}
