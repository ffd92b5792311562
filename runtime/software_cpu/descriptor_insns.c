/* SPDX-License-Identifier: GPL-2.0-or-later */
/* descriptor_insns.c - instructions on descriptor tables and descriptors: LGDT to SIDT, LLDT to
 * STR, LAR, LSL, VERR, VERW, ARPL. */
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/segment.h"

static bool umip_refuses(const Cpu *cpu)
{
    return (cpu->cr4 & CR4_UMIP) && cpu_cpl(cpu) > 0;
}

/* ---- GDTR and IDTR ---- */

static Step table_load(Cpu *cpu, const Insn *insn, TableRegister *table)
{
    unsigned width = insn->op[0].width - 2;
    uint64_t linear;
    uint64_t limit;
    uint64_t base;

    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    if (!operand_linear(cpu, insn, insn->op[0].width, ACCESS_READ, &linear) ||
        !mmu_read(cpu, linear, 2, &limit) ||
        !mmu_read(cpu, linear_wrap(cpu, linear + 2), width, &base)) {
        return STEP_FAULT;
    }
    if (width == 8 && !address_canonical(base)) {
        return fault_gp0(cpu);
    }
    table->limit = (uint16_t)limit;
    table->base = insn->op_width == 2 ? base & 0xffffff : base;
    return STEP_NEXT;
}

/* The whole base is stored whatever the operand size, as every CPU since the P6 does. */
static Step table_store(Cpu *cpu, const Insn *insn, const TableRegister *table)
{
    unsigned width = insn->op[0].width - 2;
    uint64_t linear;

    if (umip_refuses(cpu)) {
        return fault_gp0(cpu);
    }
    if (!operand_linear(cpu, insn, insn->op[0].width, ACCESS_WRITE, &linear) ||
        !mmu_probe(cpu, linear, insn->op[0].width, ACCESS_WRITE) ||
        !mmu_write(cpu, linear, 2, table->limit) ||
        !mmu_write(cpu, linear_wrap(cpu, linear + 2), width, table->base)) {
        return STEP_FAULT;
    }
    return STEP_NEXT;
}

Step exec_lgdt(Cpu *cpu, const Insn *insn)
{
    return table_load(cpu, insn, &cpu->gdtr);
}

Step exec_lidt(Cpu *cpu, const Insn *insn)
{
    return table_load(cpu, insn, &cpu->idtr);
}

Step exec_sgdt(Cpu *cpu, const Insn *insn)
{
    return table_store(cpu, insn, &cpu->gdtr);
}

Step exec_sidt(Cpu *cpu, const Insn *insn)
{
    return table_store(cpu, insn, &cpu->idtr);
}

/* ---- LDTR and TR ---- */

/* The descriptor of an LDT or TSS for LLDT and LTR; `type` is what it has to be. */
static bool system_descriptor_fetch(Cpu *cpu, uint16_t selector,
                                    bool type_ok(const Cpu *, unsigned), Descriptor *descriptor,
                                    Segment *segment)
{
    if (selector & SELECTOR_LDT) {
        return fault_selector(cpu, VECTOR_GP, selector, 0);
    }
    if (!descriptor_fetch(cpu, selector, VECTOR_GP, 0, descriptor)) {
        return false;
    }
    if (!type_ok(cpu, attr_type(descriptor->attr))) {
        return fault_selector(cpu, VECTOR_GP, selector, 0);
    }
    if (!(descriptor->attr & ATTR_P)) {
        return fault_selector(cpu, VECTOR_NP, selector, 0);
    }
    if ((cpu->mode & MODE_LMA) && !descriptor_fetch_upper(cpu, descriptor, VECTOR_GP)) {
        return false;
    }
    descriptor_unpack(descriptor, segment);
    if (!address_canonical(segment->base)) {
        return fault_selector(cpu, VECTOR_GP, selector, 0);
    }
    return true;
}

static bool type_is_ldt(const Cpu *cpu, unsigned type)
{
    (void)cpu;
    return type == TYPE_LDT;
}

static bool type_is_free_tss(const Cpu *cpu, unsigned type)
{
    return type == TYPE_TSS32 || (type == TYPE_TSS16 && !(cpu->mode & MODE_LMA));
}

Step exec_lldt(Cpu *cpu, const Insn *insn)
{
    Descriptor descriptor;
    Segment segment;
    uint64_t selector;

    if (!mode_is_protected(cpu)) {
        return fault_undefined(cpu);
    }
    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    if (!operand_read(cpu, insn, 0, &selector)) {
        return STEP_FAULT;
    }
    if (selector_is_null((uint16_t)selector)) {
        cpu->seg[LDTR] = (Segment){ .selector = (uint16_t)selector };
        return STEP_NEXT;
    }
    if (!system_descriptor_fetch(cpu, (uint16_t)selector, type_is_ldt, &descriptor, &segment)) {
        return STEP_FAULT;
    }
    cpu->seg[LDTR] = segment;
    return STEP_NEXT;
}

Step exec_ltr(Cpu *cpu, const Insn *insn)
{
    Descriptor descriptor;
    Segment segment;
    uint64_t selector;
    uint8_t access;

    if (!mode_is_protected(cpu)) {
        return fault_undefined(cpu);
    }
    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    if (!operand_read(cpu, insn, 0, &selector)) {
        return STEP_FAULT;
    }
    if (selector_is_null((uint16_t)selector)) {
        return fault_gp0(cpu);
    }
    if (!system_descriptor_fetch(cpu, (uint16_t)selector, type_is_free_tss, &descriptor,
                                 &segment)) {
        return STEP_FAULT;
    }
    access = (uint8_t)segment.attr | TYPE_BUSY;
    if (!mmu_system_write(cpu, descriptor.linear + 5, &access, 1)) {
        return STEP_FAULT;
    }
    segment.attr |= TYPE_BUSY;
    cpu->seg[TR] = segment;
    return STEP_NEXT;
}

static Step selector_store(Cpu *cpu, const Insn *insn, SegmentName name)
{
    if (!mode_is_protected(cpu)) {
        return fault_undefined(cpu);
    }
    if (umip_refuses(cpu)) {
        return fault_gp0(cpu);
    }
    return operand_write(cpu, insn, 0, cpu->seg[name].selector) ? STEP_NEXT : STEP_FAULT;
}

Step exec_sldt(Cpu *cpu, const Insn *insn)
{
    return selector_store(cpu, insn, LDTR);
}

Step exec_str(Cpu *cpu, const Insn *insn)
{
    return selector_store(cpu, insn, TR);
}

/* ---- Questions about descriptors: ZF is the answer ---- */

static Step zero_flag_set(Cpu *cpu, bool set)
{
    cpu->rflags = set ? cpu->rflags | FLAG_ZF : cpu->rflags & ~(uint64_t)FLAG_ZF;
    return STEP_NEXT;
}

/* The descriptor that operand i names. LOOKUP_OUTSIDE: null, or beyond its table. */
static Lookup operand_descriptor(Cpu *cpu, const Insn *insn, unsigned i, Descriptor *descriptor)
{
    uint64_t selector;

    if (!operand_read(cpu, insn, i, &selector)) {
        return LOOKUP_FAULT;
    }
    if (selector_is_null((uint16_t)selector)) {
        return LOOKUP_OUTSIDE;
    }
    return descriptor_look_up(cpu, (uint16_t)selector, descriptor);
}

static bool descriptor_is_visible(const Cpu *cpu, const Descriptor *descriptor)
{
    unsigned dpl = attr_dpl(descriptor->attr);

    return attr_is_conforming(descriptor->attr) ||
           (cpu_cpl(cpu) <= dpl && (descriptor->selector & SELECTOR_RPL) <= dpl);
}

enum { /* bit n: system type n is valid for the instruction */
       LAR_TYPES = 1 << TYPE_TSS16 | 1 << TYPE_LDT | 1 << TYPE_TSS16_BUSY | 1 << TYPE_CALL_GATE16 |
                   1 << TYPE_TASK_GATE | 1 << TYPE_TSS32 | 1 << TYPE_TSS32_BUSY |
                   1 << TYPE_CALL_GATE32,
       LAR_TYPES_LONG = 1 << TYPE_LDT | 1 << TYPE_TSS32 | 1 << TYPE_TSS32_BUSY |
                        1 << TYPE_CALL_GATE32,
       LSL_TYPES = 1 << TYPE_TSS16 | 1 << TYPE_LDT | 1 << TYPE_TSS16_BUSY | 1 << TYPE_TSS32 |
                   1 << TYPE_TSS32_BUSY,
       LSL_TYPES_LONG = 1 << TYPE_LDT | 1 << TYPE_TSS32 | 1 << TYPE_TSS32_BUSY,
};

static bool descriptor_type_allowed(const Cpu *cpu, const Descriptor *descriptor, uint32_t types,
                                    uint32_t types_long)
{
    unsigned type = attr_type(descriptor->attr);

    return (type & ATTR_S) || ((cpu->mode & MODE_LMA ? types_long : types) >> type & 1);
}

Step exec_lar(Cpu *cpu, const Insn *insn)
{
    Descriptor descriptor;
    uint32_t rights;

    if (!mode_is_protected(cpu)) {
        return fault_undefined(cpu);
    }
    switch (operand_descriptor(cpu, insn, 1, &descriptor)) {
    case LOOKUP_FAULT:
        return STEP_FAULT;
    case LOOKUP_OUTSIDE:
        return zero_flag_set(cpu, false);
    default:
        break;
    }
    if (!descriptor_type_allowed(cpu, &descriptor, LAR_TYPES, LAR_TYPES_LONG) ||
        !descriptor_is_visible(cpu, &descriptor)) {
        return zero_flag_set(cpu, false);
    }
    rights = host_trait(cpu, HOST_LAR_LIMIT) ? 0x00f0ff00 : 0x00ffff00;
    gpr_write(cpu, insn->op[0].reg, insn->op[0].width, descriptor.high & rights);
    return zero_flag_set(cpu, true);
}

Step exec_lsl(Cpu *cpu, const Insn *insn)
{
    Descriptor descriptor;
    Segment segment;

    if (!mode_is_protected(cpu)) {
        return fault_undefined(cpu);
    }
    switch (operand_descriptor(cpu, insn, 1, &descriptor)) {
    case LOOKUP_FAULT:
        return STEP_FAULT;
    case LOOKUP_OUTSIDE:
        return zero_flag_set(cpu, false);
    default:
        break;
    }
    if (!descriptor_type_allowed(cpu, &descriptor, LSL_TYPES, LSL_TYPES_LONG) ||
        !descriptor_is_visible(cpu, &descriptor)) {
        return zero_flag_set(cpu, false);
    }
    descriptor_unpack(&descriptor, &segment);
    gpr_write(cpu, insn->op[0].reg, insn->op[0].width, segment.limit);
    return zero_flag_set(cpu, true);
}

static Step verify(Cpu *cpu, const Insn *insn, bool writable)
{
    Descriptor descriptor;
    uint16_t attr;
    bool kind_ok;

    if (!mode_is_protected(cpu)) {
        return fault_undefined(cpu);
    }
    switch (operand_descriptor(cpu, insn, 0, &descriptor)) {
    case LOOKUP_FAULT:
        return STEP_FAULT;
    case LOOKUP_OUTSIDE:
        return zero_flag_set(cpu, false);
    default:
        break;
    }
    attr = descriptor.attr;
    if (writable) {
        kind_ok = attr_is_stack(attr);
    } else {
        kind_ok = (attr & ATTR_S) && (attr & (ATTR_CODE | ATTR_RW)) != ATTR_CODE;
    }
    return zero_flag_set(cpu, kind_ok && descriptor_is_visible(cpu, &descriptor));
}

Step exec_verr(Cpu *cpu, const Insn *insn)
{
    return verify(cpu, insn, false);
}

Step exec_verw(Cpu *cpu, const Insn *insn)
{
    return verify(cpu, insn, true);
}

/* A destination that stays as it is is not written. */
Step exec_arpl(Cpu *cpu, const Insn *insn)
{
    uint64_t source, selector;

    if (!mode_is_protected(cpu)) {
        return fault_undefined(cpu);
    }
    if (!operand_read(cpu, insn, 1, &source) || !operand_read(cpu, insn, 0, &selector)) {
        return STEP_FAULT;
    }
    source &= SELECTOR_RPL;
    if ((selector & SELECTOR_RPL) >= source) {
        return zero_flag_set(cpu, false);
    }
    if (!operand_write(cpu, insn, 0, (selector & ~(uint64_t)SELECTOR_RPL) | source)) {
        return STEP_FAULT;
    }
    return zero_flag_set(cpu, true);
}
