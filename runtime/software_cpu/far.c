/* SPDX-License-Identifier: GPL-2.0-or-later */
/* far.c - far JMP, CALL and RET, through call gates too (SDM vol. 3 chapter 5.8). IRET: iret.c. */
#include "runtime/software_cpu/segment.h"

enum { GATE_PARAMETERS = 0x1f };

/* Rights to a code segment without a gate: the caller's selector, and conforming or of this very
 * privilege. */
static bool code_check_direct(Cpu *cpu, const Descriptor *code)
{
    unsigned cpl = cpu_cpl(cpu);
    unsigned dpl = attr_dpl(code->attr);
    bool allowed = attr_is_conforming(code->attr)
                       ? dpl <= cpl
                       : dpl == cpl && (code->selector & SELECTOR_RPL) <= cpl;

    return allowed || fault_selector(cpu, VECTOR_GP, code->selector, 0);
}

/* What every transfer to a code segment checks behind privilege, and its hidden part, with `cpl` in
 * the selector. */
static bool code_prepare(Cpu *cpu, Descriptor *code, unsigned cpl, uint64_t offset, Segment *cs)
{
    if ((cpu->mode & MODE_LMA) && (code->attr & (ATTR_L | ATTR_DB)) == (ATTR_L | ATTR_DB)) {
        return fault_selector(cpu, VECTOR_GP, code->selector, 0);
    }
    if (!(code->attr & ATTR_P)) {
        return fault_selector(cpu, VECTOR_NP, code->selector, 0);
    }
    descriptor_unpack(code, cs);
    cs->selector = (uint16_t)((cs->selector & ~SELECTOR_RPL) | cpl);
    if (!code_offset_check(cpu, cs, offset, 0) || !descriptor_mark_accessed(cpu, code)) {
        return false;
    }
    cs->attr = code->attr;
    return true;
}

/* CS:IP of the caller, pushed; the stack pointer is in `stack` until the caller commits it. */
static bool return_address_push(Cpu *cpu, const Insn *insn, FrameStack *stack, unsigned width)
{
    uint64_t slots[2] = { cpu->seg[CS].selector, next_rip(cpu, insn) };

    return frame_push(cpu, stack, width, slots, 2);
}

/* Real and virtual-8086 mode. */
static Step far_real(Cpu *cpu, const Insn *insn, const FarPointer *target, bool call)
{
    FrameStack stack = frame_stack_current(cpu, 0);

    if (target->offset > cpu->seg[CS].limit) {
        return fault_gp0(cpu);
    }
    if (call) {
        if (!return_address_push(cpu, insn, &stack, insn->op_width)) {
            return STEP_FAULT;
        }
        cpu->gpr[RSP] = stack.sp;
    }
    segment_load_real(cpu, CS, target->selector);
    cpu->rip = target->offset;
    cpu_mode_update(cpu);
    return STEP_JUMP;
}

/* To a code segment, at this privilege. */
static Step far_direct(Cpu *cpu, const Insn *insn, Descriptor *code, uint64_t offset, bool call,
                       unsigned width)
{
    FrameStack stack = frame_stack_current(cpu, 0);
    Segment cs;

    if (!code_prepare(cpu, code, cpu_cpl(cpu), offset, &cs)) {
        return STEP_FAULT;
    }
    if (call) {
        if (!return_address_push(cpu, insn, &stack, width)) {
            return STEP_FAULT;
        }
        cpu->gpr[RSP] = stack.sp;
    }
    cpu->seg[CS] = cs;
    cpu->rip = offset;
    cpu_mode_update(cpu);
    return STEP_JUMP;
}

/* ---- Gates ---- */

/* The caller must have the privilege that the gate or TSS asks for; then it must be present. */
static bool gate_check(Cpu *cpu, const Descriptor *gate)
{
    unsigned dpl = attr_dpl(gate->attr);

    if (dpl < cpu_cpl(cpu) || dpl < (gate->selector & SELECTOR_RPL)) {
        return fault_selector(cpu, VECTOR_GP, gate->selector, 0);
    }
    return gate->attr & ATTR_P || fault_selector(cpu, VECTOR_NP, gate->selector, 0);
}

/* A call to an inner privilege: new stack, old SS:ESP, parameters, return address. */
static Step gate_call_inner(Cpu *cpu, const Insn *insn, const Descriptor *gate, Descriptor *code,
                            unsigned width)
{
    unsigned cpl = attr_dpl(code->attr);
    unsigned count = width == 8 ? 0 : gate->high & GATE_PARAMETERS;
    uint64_t offset = gate_offset(gate);
    uint64_t parameters[GATE_PARAMETERS];
    uint64_t slots[GATE_PARAMETERS + 4];
    unsigned n = 0;
    FrameStack stack;
    Segment cs;

    if (!code_prepare(cpu, code, cpl, offset, &cs) || !frame_stack_inner(cpu, cpl, 0, &stack) ||
        (count > 0 && !frame_read(cpu, 0, width, parameters, count))) {
        return STEP_FAULT;
    }
    slots[n++] = cpu->seg[SS].selector;
    slots[n++] = cpu->gpr[RSP];
    while (count > 0) {
        slots[n++] = parameters[--count];
    }
    slots[n++] = cpu->seg[CS].selector;
    slots[n++] = next_rip(cpu, insn);
    if (!frame_push(cpu, &stack, width, slots, n)) {
        return STEP_FAULT;
    }
    frame_stack_commit(cpu, &stack);
    cpu->seg[CS] = cs;
    cpu->rip = offset;
    cpu_mode_update(cpu);
    return STEP_JUMP;
}

static bool gate_code_fetch(Cpu *cpu, const Descriptor *gate, Descriptor *code)
{
    uint16_t selector = (uint16_t)(gate->low >> 16);

    if (selector_is_null(selector)) {
        return fault_raise(cpu, VECTOR_GP, 0);
    }
    if (!descriptor_fetch(cpu, selector, VECTOR_GP, 0, code)) {
        return false;
    }
    if (!attr_is_code(code->attr) || attr_dpl(code->attr) > cpu_cpl(cpu) ||
        ((cpu->mode & MODE_LMA) && (code->attr & (ATTR_L | ATTR_DB)) != ATTR_L)) {
        return fault_selector(cpu, VECTOR_GP, selector, 0);
    }
    return true;
}

static Step far_call_gate(Cpu *cpu, const Insn *insn, Descriptor *gate, bool call)
{
    unsigned width = cpu->mode & MODE_LMA ? 8 : gate->attr & TYPE_BITS32 ? 4 : 2;
    Descriptor code;

    if (!gate_check(cpu, gate) || (width == 8 && !descriptor_fetch_upper(cpu, gate, VECTOR_GP)) ||
        !gate_code_fetch(cpu, gate, &code)) {
        return STEP_FAULT;
    }
    if (!attr_is_conforming(code.attr) && attr_dpl(code.attr) < cpu_cpl(cpu)) {
        if (call) {
            return gate_call_inner(cpu, insn, gate, &code, width);
        }
        fault_selector(cpu, VECTOR_GP, code.selector, 0);
        return STEP_FAULT;
    }
    return far_direct(cpu, insn, &code, gate_offset(gate), call, width);
}

static Step far_task(Cpu *cpu, const Insn *insn, Descriptor *descriptor, bool call)
{
    TaskSwitch how = { .cause = call ? TASK_CALL : TASK_JMP,
                       .rip = next_rip(cpu, insn),
                       .flags = cpu->rflags };
    Descriptor tss = *descriptor;

    if (!gate_check(cpu, descriptor) || (attr_type(descriptor->attr) == TYPE_TASK_GATE &&
                                         !task_gate_fetch(cpu, descriptor, 0, &tss))) {
        return STEP_FAULT;
    }
    return task_switch(cpu, &tss, &how) ? STEP_JUMP : STEP_FAULT;
}

/* ---- JMP and CALL ---- */

static Step far_system(Cpu *cpu, const Insn *insn, Descriptor *descriptor, bool call)
{
    unsigned type = attr_type(descriptor->attr);

    if (type == TYPE_CALL_GATE32 || (type == TYPE_CALL_GATE16 && !(cpu->mode & MODE_LMA))) {
        return far_call_gate(cpu, insn, descriptor, call);
    }
    if (!(cpu->mode & MODE_LMA) &&
        (type == TYPE_TASK_GATE || type == TYPE_TSS16 || type == TYPE_TSS32)) {
        return far_task(cpu, insn, descriptor, call);
    }
    fault_selector(cpu, VECTOR_GP, descriptor->selector, 0);
    return STEP_FAULT;
}

static Step far_transfer(Cpu *cpu, const Insn *insn, bool call)
{
    Descriptor descriptor;
    FarPointer target;

    if (!far_pointer_read(cpu, insn, 0, &target)) {
        return STEP_FAULT;
    }
    if (!mode_is_protected(cpu)) {
        return far_real(cpu, insn, &target, call);
    }
    if (selector_is_null(target.selector)) {
        return fault_gp0(cpu);
    }
    if (!descriptor_fetch(cpu, target.selector, VECTOR_GP, 0, &descriptor)) {
        return STEP_FAULT;
    }
    if (!(descriptor.attr & ATTR_S)) {
        return far_system(cpu, insn, &descriptor, call);
    }
    if (!attr_is_code(descriptor.attr)) {
        fault_selector(cpu, VECTOR_GP, target.selector, 0);
        return STEP_FAULT;
    }
    if (!code_check_direct(cpu, &descriptor)) {
        return STEP_FAULT;
    }
    return far_direct(cpu, insn, &descriptor, target.offset, call, insn->op_width);
}

Step exec_jmp_far(Cpu *cpu, const Insn *insn)
{
    return far_transfer(cpu, insn, false);
}

Step exec_call_far(Cpu *cpu, const Insn *insn)
{
    return far_transfer(cpu, insn, true);
}

/* ---- RET ---- */

bool far_return_code(Cpu *cpu, uint16_t selector, uint64_t rip, FarReturn *target)
{
    unsigned rpl = selector & SELECTOR_RPL;
    Descriptor code;
    unsigned dpl;

    if (selector_is_null(selector)) {
        return fault_raise(cpu, VECTOR_GP, 0);
    }
    if (!descriptor_fetch(cpu, selector, VECTOR_GP, 0, &code)) {
        return false;
    }
    dpl = attr_dpl(code.attr);
    if (!attr_is_code(code.attr) || rpl < cpu_cpl(cpu) ||
        (attr_is_conforming(code.attr) ? dpl > rpl : dpl != rpl)) {
        return fault_selector(cpu, VECTOR_GP, selector, 0);
    }
    target->rip = rip;
    target->cpl = rpl;
    return code_prepare(cpu, &code, rpl, rip, &target->cs);
}

static bool far_return_null_stack(Cpu *cpu, uint16_t selector, FarReturn *target)
{
    if (!(cpu->mode & MODE_LMA) || !(target->cs.attr & ATTR_L) || target->cpl == 3 ||
        (selector & SELECTOR_RPL) != target->cpl) {
        return fault_raise(cpu, VECTOR_GP, 0);
    }
    target->ss = (Segment){ .selector = selector,
                            .attr = (uint16_t)(target->cpl << ATTR_DPL_SHIFT) };
    return true;
}

bool far_return_stack(Cpu *cpu, uint16_t selector, uint64_t rsp, FarReturn *target)
{
    Descriptor stack;

    target->rsp = rsp;
    if (selector_is_null(selector)) {
        return far_return_null_stack(cpu, selector, target);
    }
    if (!descriptor_fetch(cpu, selector, VECTOR_GP, 0, &stack)) {
        return false;
    }
    if ((selector & SELECTOR_RPL) != target->cpl || attr_dpl(stack.attr) != target->cpl ||
        !attr_is_stack(stack.attr)) {
        return fault_selector(cpu, VECTOR_GP, selector, 0);
    }
    if (!(stack.attr & ATTR_P)) {
        return fault_selector(cpu, VECTOR_SS, selector, 0);
    }
    if (!descriptor_mark_accessed(cpu, &stack)) {
        return false;
    }
    descriptor_unpack(&stack, &target->ss);
    return true;
}

/* Outer code must not keep segments of the inner one. The base stays: in 64-bit mode that of FS and
 * GS lives on behind a null selector. */
static void data_segment_drop(Segment *segment, unsigned cpl)
{
    if (!(segment->attr & ATTR_P)) {
        segment->selector = 0;
    } else if (!attr_is_conforming(segment->attr) && attr_dpl(segment->attr) < cpl) {
        segment->selector = 0;
        segment->attr = 0;
    }
}

void far_return_commit(Cpu *cpu, const FarReturn *target, bool stack)
{
    bool outer = target->cpl > cpu_cpl(cpu);

    if (stack) {
        cpu->seg[SS] = target->ss;
        cpu->gpr[RSP] = target->rsp;
    }
    cpu->seg[CS] = target->cs;
    cpu->rip = target->rip;
    if (outer) {
        data_segment_drop(&cpu->seg[ES], target->cpl);
        data_segment_drop(&cpu->seg[DS], target->cpl);
        data_segment_drop(&cpu->seg[FS], target->cpl);
        data_segment_drop(&cpu->seg[GS], target->cpl);
    }
}

static Step ret_far_real(Cpu *cpu, const Insn *insn, uint64_t extra)
{
    uint64_t slots[2];

    if (!frame_read(cpu, 0, insn->op_width, slots, 2)) {
        return STEP_FAULT;
    }
    if (slots[0] > cpu->seg[CS].limit) {
        return fault_gp0(cpu);
    }
    stack_set(cpu, stack_offset(cpu, (int64_t)(insn->op_width * 2 + extra)));
    segment_load_real(cpu, CS, (uint16_t)slots[1]);
    cpu->rip = slots[0];
    cpu_mode_update(cpu);
    return STEP_JUMP;
}

/* The outer stack pointer, released of the parameters, as wide as the new SS says. */
static uint64_t outer_stack_release(const Cpu *cpu, const FarReturn *target, uint64_t rsp,
                                    uint64_t extra)
{
    if ((cpu->mode & MODE_LMA) && (target->cs.attr & ATTR_L)) {
        return rsp + extra;
    }
    if (target->ss.attr & ATTR_DB) {
        return (uint32_t)(rsp + extra);
    }
    return (cpu->gpr[RSP] & 0xffff0000u) | ((rsp + extra) & 0xffff);
}

static Step ret_far_protected(Cpu *cpu, const Insn *insn, uint64_t extra)
{
    unsigned width = insn->op_width;
    FarReturn target;
    uint64_t slots[2];
    uint64_t outer[2];

    if (!frame_read(cpu, 0, width, slots, 2) ||
        !far_return_code(cpu, (uint16_t)slots[1], slots[0], &target)) {
        return STEP_FAULT;
    }
    if (target.cpl == cpu_cpl(cpu)) {
        stack_set(cpu, stack_offset(cpu, (int64_t)(width * 2 + extra)));
        far_return_commit(cpu, &target, false);
    } else {
        if (!frame_read(cpu, width * 2 + extra, width, outer, 2) ||
            !far_return_stack(cpu, (uint16_t)outer[1], outer[0], &target)) {
            return STEP_FAULT;
        }
        target.rsp = outer_stack_release(cpu, &target, outer[0], extra);
        far_return_commit(cpu, &target, true);
    }
    cpu_mode_update(cpu);
    return STEP_JUMP;
}

Step exec_ret_far(Cpu *cpu, const Insn *insn)
{
    uint64_t extra = insn->n_operands > 0 ? (uint16_t)insn->imm : 0;

    return mode_is_protected(cpu) ? ret_far_protected(cpu, insn, extra)
                                  : ret_far_real(cpu, insn, extra);
}
