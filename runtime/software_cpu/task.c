/* SPDX-License-Identifier: GPL-2.0-or-later */
/* task.c - hardware task switches between 16 and 32-bit TSSs (SDM vol. 3 chapter 8).
 *
 * Up to the commit point everything is checked and probed, and faults belong to the old task.
 * Behind it registers and TSSs are those of the new task, and a segment that cannot be loaded
 * faults in the new task, with all segment registers that were not loaded yet unusable. */
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/segment.h"

enum {
    TSS32_SIZE = 104,
    TSS32_CR3 = 28,
    TSS32_SAVED = 32, /* EIP, the first field that a switch saves; GS the last */
    TSS32_SAVED_END = 96,
    TSS32_LDT = 96,
    TSS32_TRAP = 100,
    TSS16_SIZE = 44,
    TSS16_SAVED = 14, /* IP to DS */
    TSS16_LDT = 42,
    TSS_MAX = TSS32_SIZE,
    TASK_SEGMENTS = 6,
    DR7_LOCAL = 0x155, /* L0 to L3, LE */
    FLAGS_TASK = FLAGS_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF |
                 FLAG_VM | FLAG_AC | FLAG_VIF | FLAG_VIP | FLAG_ID,
};

/* What a TSS says of its task. */
typedef struct TaskState {
    uint32_t cr3;
    uint32_t eip, eflags;
    uint32_t gpr[8];
    uint16_t seg[TASK_SEGMENTS];
    uint16_t ldt;
    bool wide; /* 32-bit TSS */
    bool trap;
} TaskState;

static bool tss_is_wide(const Segment *tss)
{
    return tss->attr & TYPE_BITS32;
}

/* ---- The TSS's bytes ---- */

static uint32_t bytes_get(const uint8_t *bytes, unsigned width)
{
    uint32_t value = bytes[0] | (uint32_t)bytes[1] << 8;

    if (width == 4) {
        value |= (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    }
    return value;
}

static void bytes_put(uint8_t *bytes, unsigned width, uint32_t value)
{
    for (unsigned i = 0; i < width; i++) {
        bytes[i] = (uint8_t)(value >> i * 8);
    }
}

static bool tss_read(Cpu *cpu, const Segment *tss, TaskState *state)
{
    enum { CHUNK = 4 };
    unsigned width = tss_is_wide(tss) ? 4 : 2;
    unsigned size = width == 4 ? TSS32_SIZE : TSS16_SIZE;
    unsigned at = width == 4 ? TSS32_SAVED : TSS16_SAVED;
    unsigned segments = width == 4 ? TASK_SEGMENTS : 4;
    uint8_t bytes[TSS_MAX];

    for (unsigned i = 0; i < size; i += CHUNK) {
        if (!mmu_system_read(cpu, linear_wrap(cpu, tss->base + i), bytes + i, CHUNK)) {
            return false;
        }
    }
    *state = (TaskState){ .wide = width == 4 };
    state->eip = bytes_get(bytes + at, width);
    state->eflags = bytes_get(bytes + at + width, width);
    at += width * 2;
    for (unsigned i = 0; i < 8; i++, at += width) {
        state->gpr[i] = bytes_get(bytes + at, width);
    }
    for (unsigned i = 0; i < segments; i++, at += width) {
        state->seg[i] = (uint16_t)bytes_get(bytes + at, 2);
    }
    state->ldt = (uint16_t)bytes_get(bytes + (width == 4 ? TSS32_LDT : TSS16_LDT), 2);
    if (width == 4) {
        state->cr3 = bytes_get(bytes + TSS32_CR3, 4);
        state->trap = bytes[TSS32_TRAP] & 1;
    }
    return true;
}

/* The registers of the old task as its TSS keeps them; returns the number of bytes. */
static unsigned tss_image(const Cpu *cpu, unsigned width, uint64_t rip, uint64_t flags,
                          uint8_t *bytes)
{
    unsigned segments = width == 4 ? TASK_SEGMENTS : 4;
    unsigned at = width * 2;

    bytes_put(bytes, width, (uint32_t)rip);
    bytes_put(bytes + width, width, (uint32_t)flags);
    for (unsigned i = 0; i < 8; i++, at += width) {
        bytes_put(bytes + at, width, (uint32_t)cpu->gpr[i]);
    }
    for (unsigned i = 0; i < segments; i++, at += width) {
        bytes_put(bytes + at, width, cpu->seg[i].selector);
    }
    return at;
}

/* ---- Before the commit point ---- */

bool task_gate_fetch(Cpu *cpu, const Descriptor *gate, uint32_t ext, Descriptor *tss)
{
    uint16_t selector = (uint16_t)(gate->low >> 16);
    unsigned type;

    if ((selector & SELECTOR_LDT) || selector_is_null(selector)) {
        return fault_selector(cpu, VECTOR_GP, selector, ext);
    }
    if (!descriptor_fetch(cpu, selector, VECTOR_GP, ext, tss)) {
        return false;
    }
    type = attr_type(tss->attr);
    if (type != TYPE_TSS16 && type != TYPE_TSS32) {
        return fault_selector(cpu, VECTOR_GP, selector, ext);
    }
    return tss->attr & ATTR_P || fault_selector(cpu, VECTOR_NP, selector, ext);
}

static bool tss_limit_check(Cpu *cpu, const Segment *tss, uint32_t ext)
{
    uint32_t size = tss_is_wide(tss) ? TSS32_SIZE : TSS16_SIZE;

    return ((tss->attr & ATTR_P) && tss->limit >= size - 1) ||
           fault_selector(cpu, VECTOR_TS, tss->selector, ext);
}

static bool system_probe_write(Cpu *cpu, uint64_t gva, unsigned size)
{
    return mmu_context_probe(cpu, MMU_KERNEL, linear_wrap(cpu, gva), size, ACCESS_WRITE);
}

static bool descriptor_write_busy(Cpu *cpu, const Descriptor *tss, bool busy)
{
    uint8_t access = (uint8_t)(tss->attr & ~TYPE_BUSY);

    access |= busy ? TYPE_BUSY : 0;
    return mmu_system_write(cpu, tss->linear + 5, &access, 1);
}

/* Writes both TSSs and both descriptors; all of it was proved writable first, so that nothing is
 * written if any of it faults. */
static bool task_store(Cpu *cpu, const Descriptor *tss, const Segment *next, const TaskSwitch *how)
{
    const Segment *old = &cpu->seg[TR];
    unsigned width = tss_is_wide(old) ? 4 : 2;
    uint64_t saved = old->base + (width == 4 ? TSS32_SAVED : TSS16_SAVED);
    bool nested = how->cause == TASK_CALL || how->cause == TASK_INTERRUPT;
    uint64_t flags = how->cause == TASK_IRET ? how->flags & ~(uint64_t)FLAG_NT : how->flags;
    uint8_t bytes[TSS32_SAVED_END - TSS32_SAVED];
    unsigned size = tss_image(cpu, width, how->rip, flags, bytes);
    Descriptor old_tss;

    if (!descriptor_fetch(cpu, old->selector, VECTOR_TS, how->ext, &old_tss) ||
        !system_probe_write(cpu, saved, size) || !system_probe_write(cpu, old_tss.linear + 5, 1) ||
        !system_probe_write(cpu, tss->linear + 5, 1) ||
        (nested && !system_probe_write(cpu, next->base, 2))) {
        return false;
    }
    return mmu_system_write(cpu, linear_wrap(cpu, saved), bytes, size) &&
           (nested || descriptor_write_busy(cpu, &old_tss, false)) &&
           (!nested || mmu_system_write(cpu, next->base, &old->selector, 2)) &&
           (how->cause == TASK_IRET || descriptor_write_busy(cpu, tss, true));
}

/* ---- Behind it: in the new task ---- */

static bool task_load_ldt(Cpu *cpu, uint16_t selector, uint32_t ext)
{
    Descriptor descriptor;

    if (selector_is_null(selector)) {
        return true;
    }
    if (selector & SELECTOR_LDT) {
        return fault_selector(cpu, VECTOR_TS, selector, ext);
    }
    if (!descriptor_fetch(cpu, selector, VECTOR_TS, ext, &descriptor)) {
        return false;
    }
    if (attr_type(descriptor.attr) != TYPE_LDT || !(descriptor.attr & ATTR_P)) {
        return fault_selector(cpu, VECTOR_TS, selector, ext);
    }
    descriptor_unpack(&descriptor, &cpu->seg[LDTR]);
    return true;
}

static bool task_segment_allowed(SegmentName name, const Descriptor *descriptor, unsigned cpl)
{
    unsigned dpl = attr_dpl(descriptor->attr);
    unsigned rpl = descriptor->selector & SELECTOR_RPL;
    uint16_t attr = descriptor->attr;

    switch (name) {
    case CS:
        return attr_is_code(attr) && (attr_is_conforming(attr) ? dpl <= rpl : dpl == rpl);
    case SS:
        return attr_is_stack(attr) && dpl == cpl && rpl == cpl;
    default:
        return (attr & ATTR_S) && (attr & (ATTR_CODE | ATTR_RW)) != ATTR_CODE &&
               (attr_is_conforming(attr) || (dpl >= cpl && dpl >= rpl));
    }
}

static bool task_load_segment(Cpu *cpu, SegmentName name, unsigned cpl, uint32_t ext)
{
    uint16_t selector = cpu->seg[name].selector;
    Descriptor descriptor;

    if (selector_is_null(selector)) {
        return (name != CS && name != SS) || fault_selector(cpu, VECTOR_TS, selector, ext);
    }
    if (!descriptor_fetch(cpu, selector, VECTOR_TS, ext, &descriptor)) {
        return false;
    }
    if (!task_segment_allowed(name, &descriptor, cpl)) {
        return fault_selector(cpu, VECTOR_TS, selector, ext);
    }
    if (!(descriptor.attr & ATTR_P)) {
        return fault_selector(cpu, name == SS ? VECTOR_SS : VECTOR_NP, selector, ext);
    }
    if (!descriptor_mark_accessed(cpu, &descriptor)) {
        return false;
    }
    descriptor_unpack(&descriptor, &cpu->seg[name]);
    return true;
}

static bool task_load_segments(Cpu *cpu, unsigned cpl, uint32_t ext)
{
    static const SegmentName order[] = { CS, SS, DS, ES, FS, GS };

    for (unsigned i = 0; i < TASK_SEGMENTS; i++) {
        if (!task_load_segment(cpu, order[i], cpl, ext)) {
            return false;
        }
    }
    return true;
}

/* Registers that cannot fault; segment registers unusable but for their selectors. */
static void task_load_registers(Cpu *cpu, const TaskState *state)
{
    unsigned cpl = state->eflags & FLAG_VM ? 3 : state->seg[CS] & SELECTOR_RPL;

    cpu->rip = state->eip;
    for (unsigned i = 0; i < 8; i++) {
        cpu->gpr[i] = state->gpr[i];
    }
    for (unsigned i = 0; i < TASK_SEGMENTS; i++) {
        cpu->seg[i] = (Segment){ .selector = state->seg[i] };
    }
    cpu->seg[SS].attr = (uint16_t)(cpl << ATTR_DPL_SHIFT);
    cpu->seg[LDTR] = (Segment){ .selector = state->ldt };
    cpu->cr0 |= CR0_TS;
    cpu->dr[7] &= ~(uint64_t)DR7_LOCAL;
    cpu->shadow = SHADOW_NONE;
    cpu_mode_update(cpu);
}

static bool task_push_error(Cpu *cpu, const TaskState *state, const TaskSwitch *how)
{
    FrameStack stack = frame_stack_current(cpu, how->ext);
    uint64_t slot;

    if (how->error == NULL) {
        return true;
    }
    slot = *how->error;
    if (!frame_push(cpu, &stack, state->wide ? 4 : 2, &slot, 1)) {
        return false;
    }
    cpu->gpr[RSP] = stack.sp;
    return true;
}

static bool task_load(Cpu *cpu, const TaskState *state, const TaskSwitch *how)
{
    unsigned cpl = state->seg[CS] & SELECTOR_RPL;

    task_load_registers(cpu, state);
    if (state->wide && (cpu->cr0 & CR0_PG) && !control_write(cpu, 3, state->cr3)) {
        return false;
    }
    if (!task_load_ldt(cpu, state->ldt, how->ext)) {
        return false;
    }
    if (state->eflags & FLAG_VM) {
        for (unsigned i = 0; i < TASK_SEGMENTS; i++) {
            segment_load_real(cpu, (SegmentName)i, state->seg[i]);
        }
    } else if (!task_load_segments(cpu, cpl, how->ext)) {
        cpu_mode_update(cpu);
        return false;
    }
    cpu_mode_update(cpu);
    return code_offset_check(cpu, &cpu->seg[CS], state->eip, how->ext) &&
           task_push_error(cpu, state, how);
}

bool task_switch(Cpu *cpu, const Descriptor *tss, const TaskSwitch *how)
{
    TaskState state;
    Segment next;

    descriptor_unpack(tss, &next);
    if (!tss_limit_check(cpu, &next, how->ext) || !tss_limit_check(cpu, &cpu->seg[TR], how->ext) ||
        !tss_read(cpu, &next, &state) || !task_store(cpu, tss, &next, how)) {
        return false;
    }
    next.attr |= TYPE_BUSY;
    cpu->seg[TR] = next;
    cpu->rflags = (state.eflags & FLAGS_TASK) | FLAG_1;
    if (how->cause == TASK_CALL || how->cause == TASK_INTERRUPT) {
        cpu->rflags |= FLAG_NT;
    }
    if (!task_load(cpu, &state, how)) {
        return false;
    }
    if (state.trap) {
        cpu->fault = (Fault){ .vector = VECTOR_DB, .trap = true, .dr6 = DR6_BT };
        return false;
    }
    return true;
}

bool task_return(Cpu *cpu, uint64_t rip)
{
    TaskSwitch how = { .cause = TASK_IRET, .rip = rip, .flags = cpu->rflags };
    uint16_t selector;
    Descriptor tss;
    unsigned type;

    if (!mmu_system_read(cpu, cpu->seg[TR].base, &selector, 2)) {
        return false;
    }
    if ((selector & SELECTOR_LDT) || selector_is_null(selector)) {
        return fault_selector(cpu, VECTOR_TS, selector, 0);
    }
    if (!descriptor_fetch(cpu, selector, VECTOR_TS, 0, &tss)) {
        return false;
    }
    type = attr_type(tss.attr);
    if (type != TYPE_TSS16_BUSY && type != TYPE_TSS32_BUSY) {
        return fault_selector(cpu, VECTOR_TS, selector, 0);
    }
    if (!(tss.attr & ATTR_P)) {
        return fault_selector(cpu, VECTOR_NP, selector, 0);
    }
    return task_switch(cpu, &tss, &how);
}
