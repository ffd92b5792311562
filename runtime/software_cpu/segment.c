/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment.c - descriptors and loads of segment registers (SDM vol. 3 chapters 3.4 and 5).
 *
 * The accessed bit is written without a lock: two vCPUs can only both set it. */
#include "runtime/software_cpu/segment.h"

/* ---- Descriptors ---- */

Lookup descriptor_look_up(Cpu *cpu, uint16_t selector, Descriptor *descriptor)
{
    uint64_t base = cpu->gdtr.base;
    uint32_t limit = cpu->gdtr.limit;
    uint64_t words;

    if (selector & SELECTOR_LDT) {
        if (!(cpu->seg[LDTR].attr & ATTR_P)) {
            return LOOKUP_OUTSIDE;
        }
        base = cpu->seg[LDTR].base;
        limit = cpu->seg[LDTR].limit;
    }
    if ((selector | 7u) > limit) {
        return LOOKUP_OUTSIDE;
    }
    descriptor->linear = linear_wrap(cpu, base + (selector & ~7u));
    if (!system_read8(cpu, descriptor->linear, &words)) {
        return LOOKUP_FAULT;
    }
    descriptor->low = (uint32_t)words;
    descriptor->high = (uint32_t)(words >> 32);
    descriptor->upper = 0;
    descriptor->selector = selector;
    descriptor->attr = (uint16_t)(descriptor->high >> 8 & 0xf0ff);
    return LOOKUP_OK;
}

bool descriptor_fetch(Cpu *cpu, uint16_t selector, Vector vector, uint32_t ext,
                      Descriptor *descriptor)
{
    switch (descriptor_look_up(cpu, selector, descriptor)) {
    case LOOKUP_OK:
        return true;
    case LOOKUP_OUTSIDE:
        return fault_selector(cpu, vector, selector, ext);
    default:
        return false;
    }
}

bool descriptor_fetch_upper(Cpu *cpu, Descriptor *descriptor, Vector vector)
{
    uint16_t selector = descriptor->selector;
    uint32_t limit = selector & SELECTOR_LDT ? cpu->seg[LDTR].limit : cpu->gdtr.limit;
    uint64_t words;

    if ((selector & ~7u) + 15 > limit) {
        return fault_selector(cpu, vector, selector, 0);
    }
    if (!system_read8(cpu, descriptor->linear + 8, &words)) {
        return false;
    }
    if ((words >> 40 & 0x1f) != 0) { /* the second type field must be zero */
        return fault_selector(cpu, vector, selector, 0);
    }
    descriptor->upper = (uint32_t)words;
    return true;
}

bool descriptor_mark_accessed(Cpu *cpu, Descriptor *descriptor)
{
    uint8_t access;

    if (descriptor->attr & ATTR_ACCESSED) {
        return true;
    }
    access = (uint8_t)(descriptor->high >> 8) | ATTR_ACCESSED;
    if (!mmu_system_write(cpu, descriptor->linear + 5, &access, 1)) {
        return false;
    }
    descriptor->high |= ATTR_ACCESSED << 8;
    descriptor->attr |= ATTR_ACCESSED;
    return true;
}

void descriptor_unpack(const Descriptor *descriptor, Segment *segment)
{
    uint32_t limit = (descriptor->low & 0xffff) | (descriptor->high & 0x000f0000);

    segment->base = descriptor->low >> 16 | (uint64_t)(descriptor->high & 0xff) << 16 |
                    (descriptor->high & 0xff000000u) | (uint64_t)descriptor->upper << 32;
    segment->limit = descriptor->attr & ATTR_G ? limit << 12 | 0xfff : limit;
    segment->selector = descriptor->selector;
    segment->attr = descriptor->attr;
}

bool code_offset_check(Cpu *cpu, const Segment *cs, uint64_t offset, uint32_t error)
{
    bool fits = (cpu->mode & MODE_LMA) && (cs->attr & ATTR_L) ? address_canonical(offset)
                                                              : offset <= cs->limit;

    return fits || fault_raise(cpu, VECTOR_GP, error);
}

/* ---- Loads ---- */

void segment_set_null(Cpu *cpu, SegmentName name, uint16_t selector)
{
    cpu->seg[name] = (Segment){ .selector = selector };
    if (name == SS) {
        cpu->seg[SS].attr = (uint16_t)((selector & SELECTOR_RPL) << ATTR_DPL_SHIFT);
    }
}

void segment_load_real(Cpu *cpu, SegmentName name, uint16_t selector)
{
    Segment *segment = &cpu->seg[name];

    segment->selector = selector;
    segment->base = (uint64_t)selector << 4;
    if (cpu->rflags & FLAG_VM) {
        segment->limit = 0xffff;
        segment->attr = ATTR_P | ATTR_DPL | ATTR_S | ATTR_RW | ATTR_ACCESSED;
    }
}

static bool segment_check_stack(Cpu *cpu, const Descriptor *descriptor)
{
    unsigned cpl = cpu_cpl(cpu);
    uint16_t selector = descriptor->selector;

    if ((selector & SELECTOR_RPL) != cpl || attr_dpl(descriptor->attr) != cpl ||
        !attr_is_stack(descriptor->attr)) {
        return fault_selector(cpu, VECTOR_GP, selector, 0);
    }
    return descriptor->attr & ATTR_P || fault_selector(cpu, VECTOR_SS, selector, 0);
}

static bool segment_check_data(Cpu *cpu, const Descriptor *descriptor)
{
    uint16_t selector = descriptor->selector;
    uint16_t attr = descriptor->attr;
    unsigned dpl = attr_dpl(attr);

    if (!(attr & ATTR_S) || (attr & (ATTR_CODE | ATTR_RW)) == ATTR_CODE) {
        return fault_selector(cpu, VECTOR_GP, selector, 0);
    }
    if (!attr_is_conforming(attr) && ((selector & SELECTOR_RPL) > dpl || cpu_cpl(cpu) > dpl)) {
        return fault_selector(cpu, VECTOR_GP, selector, 0);
    }
    return attr & ATTR_P || fault_selector(cpu, VECTOR_NP, selector, 0);
}

static bool segment_load_null(Cpu *cpu, SegmentName name, uint16_t selector)
{
    unsigned cpl = cpu_cpl(cpu);

    if (name == SS && (!(cpu->mode & MODE_CS64) || cpl == 3 || (selector & SELECTOR_RPL) != cpl)) {
        return fault_raise(cpu, VECTOR_GP, 0);
    }
    segment_set_null(cpu, name, selector);
    return true;
}

static bool segment_load_protected(Cpu *cpu, SegmentName name, uint16_t selector)
{
    Descriptor descriptor;

    if (selector_is_null(selector)) {
        return segment_load_null(cpu, name, selector);
    }
    if (!descriptor_fetch(cpu, selector, VECTOR_GP, 0, &descriptor) ||
        !(name == SS ? segment_check_stack(cpu, &descriptor)
                     : segment_check_data(cpu, &descriptor)) ||
        !descriptor_mark_accessed(cpu, &descriptor)) {
        return false;
    }
    descriptor_unpack(&descriptor, &cpu->seg[name]);
    return true;
}

bool segment_load(Cpu *cpu, SegmentName name, uint16_t selector)
{
    if (!mode_is_protected(cpu)) {
        segment_load_real(cpu, name, selector);
    } else if (!segment_load_protected(cpu, name, selector)) {
        return false;
    }
    cpu_mode_update(cpu);
    return true;
}

/* ---- MOV to and from segment registers, LDS and its kin ---- */

Step exec_mov_segment(Cpu *cpu, const Insn *insn)
{
    uint64_t value;

    if (insn->op[0].kind != OPERAND_SEGMENT) {
        return operand_write(cpu, insn, 0, cpu->seg[insn->op[1].reg].selector) ? STEP_NEXT
                                                                               : STEP_FAULT;
    }
    if (insn->op[0].reg == CS) {
        cpu_fault(cpu, VECTOR_UD);
        return STEP_FAULT;
    }
    if (!operand_read(cpu, insn, 1, &value) ||
        !segment_load(cpu, (SegmentName)insn->op[0].reg, (uint16_t)value)) {
        return STEP_FAULT;
    }
    if (insn->op[0].reg == SS) {
        cpu->shadow = SHADOW_MOV_SS;
    }
    return STEP_NEXT;
}

bool far_pointer_read(Cpu *cpu, const Insn *insn, unsigned i, FarPointer *pointer)
{
    const Operand *operand = &insn->op[i];
    unsigned width = operand->width - 2;
    uint64_t linear;
    uint64_t selector;

    if (operand->kind == OPERAND_FAR) {
        pointer->offset = (uint64_t)insn->imm & width_mask(insn->op_width);
        pointer->selector = (uint16_t)insn->imm2;
        return true;
    }
    if (!operand_linear(cpu, insn, operand->width, ACCESS_READ, &linear) ||
        !mmu_read(cpu, linear, width, &pointer->offset) ||
        !mmu_read(cpu, linear_wrap(cpu, linear + width), 2, &selector)) {
        return false;
    }
    pointer->selector = (uint16_t)selector;
    return true;
}

static SegmentName load_far_segment(const Insn *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_LDS:
        return DS;
    case ZYDIS_MNEMONIC_LES:
        return ES;
    case ZYDIS_MNEMONIC_LFS:
        return FS;
    case ZYDIS_MNEMONIC_LGS:
        return GS;
    default:
        return SS;
    }
}

Step exec_load_far_pointer(Cpu *cpu, const Insn *insn)
{
    FarPointer pointer;

    if (!far_pointer_read(cpu, insn, 1, &pointer) ||
        !segment_load(cpu, load_far_segment(insn), pointer.selector)) {
        return STEP_FAULT;
    }
    gpr_write(cpu, insn->op[0].reg, insn->op[0].width, pointer.offset);
    return STEP_NEXT;
}
