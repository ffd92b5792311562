/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stack.c - PUSH, POP and their kin. On a fault the stack pointer is as it was. */
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/integer.h"

/* Segment registers are pushed zero-extended; 32 bits wide some CPUs write the lower half only. */
static Step push_segment(Cpu *cpu, const Insn *insn, uint64_t value)
{
    uint64_t offset = stack_offset(cpu, -4);

    if (insn->op_width != 4 || !host_trait(cpu, HOST_PUSH_SEGMENT)) {
        return stack_push(cpu, insn->op_width, value) ? STEP_NEXT : STEP_FAULT;
    }
    if (!stack_write(cpu, offset, 2, value)) {
        return STEP_FAULT;
    }
    stack_set(cpu, offset);
    return STEP_NEXT;
}

Step exec_push(Cpu *cpu, const Insn *insn)
{
    uint64_t value;

    if (insn->op[0].kind == OPERAND_IMM) {
        value = (uint64_t)insn->imm;
    } else if (!source_read(cpu, insn, 0, &value)) {
        return STEP_FAULT;
    }
    if (insn->op[0].kind == OPERAND_SEGMENT) {
        return push_segment(cpu, insn, value);
    }
    return stack_push(cpu, insn->op_width, value) ? STEP_NEXT : STEP_FAULT;
}

/* The width of the stack pointer is that from before: POP SS may change it. */
static Step pop_segment(Cpu *cpu, const Insn *insn, uint64_t value)
{
    SegmentName name = (SegmentName)insn->op[0].reg;
    unsigned width = stack_width(cpu);
    uint64_t sp = stack_offset(cpu, insn->op_width);

    if (!segment_load(cpu, name, (uint16_t)value)) {
        return STEP_FAULT;
    }
    gpr_write(cpu, RSP, width, sp);
    if (name == SS) {
        cpu->shadow = SHADOW_MOV_SS;
    }
    return STEP_NEXT;
}

/* A memory operand's address is formed with the stack pointer already moved. */
static Step pop_memory(Cpu *cpu, const Insn *insn, uint64_t value)
{
    uint64_t rsp = cpu->gpr[RSP];

    stack_set(cpu, stack_offset(cpu, insn->op_width));
    if (!operand_write(cpu, insn, 0, value)) {
        cpu->gpr[RSP] = rsp;
        return STEP_FAULT;
    }
    return STEP_NEXT;
}

Step exec_pop(Cpu *cpu, const Insn *insn)
{
    uint64_t value;

    if (!stack_read(cpu, stack_offset(cpu, 0), insn->op_width, &value)) {
        return STEP_FAULT;
    }
    if (insn->op[0].kind == OPERAND_SEGMENT) {
        return pop_segment(cpu, insn, value);
    }
    if (insn->op[0].kind == OPERAND_MEM) {
        return pop_memory(cpu, insn, value);
    }
    stack_set(cpu, stack_offset(cpu, insn->op_width));
    gpr_write(cpu, insn->op[0].reg, insn->op_width, value);
    return STEP_NEXT;
}

/* All eight places are proved writable first. */
Step exec_pusha(Cpu *cpu, const Insn *insn)
{
    unsigned width = insn->op_width;
    uint64_t linear[8];

    for (unsigned i = 0; i < 8; i++) {
        uint64_t offset = stack_offset(cpu, -(int64_t)(width * (i + 1)));

        if (!segment_linear_quick(cpu, SS, offset, width, ACCESS_WRITE, &linear[i]) ||
            !mmu_probe(cpu, linear[i], width, ACCESS_WRITE)) {
            return STEP_FAULT;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        mmu_write(cpu, linear[i], width, cpu->gpr[i]);
    }
    stack_set(cpu, stack_offset(cpu, -(int64_t)(width * 8)));
    return STEP_NEXT;
}

Step exec_popa(Cpu *cpu, const Insn *insn)
{
    unsigned width = insn->op_width;
    uint64_t value[8];

    for (unsigned i = 0; i < 8; i++) {
        if (!stack_read(cpu, stack_offset(cpu, width * i), width, &value[i])) {
            return STEP_FAULT;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        unsigned reg = 7 - i;

        if (reg != RSP) {
            gpr_write(cpu, reg, width, value[i]);
        }
    }
    stack_set(cpu, stack_offset(cpu, width * 8));
    return STEP_NEXT;
}

/* ---- Flags ---- */

static bool vm86_restricted(const Cpu *cpu)
{
    return (cpu->mode & MODE_VM) && (cpu->rflags & FLAG_IOPL) != FLAG_IOPL;
}

/* Virtual-8086 mode with IOPL below 3: only the 16-bit form, and only with VME. */
static bool flags_access_allowed(Cpu *cpu, unsigned width)
{
    if (vm86_restricted(cpu) && (width != 2 || !(cpu->cr4 & CR4_VME))) {
        cpu_fault_error(cpu, VECTOR_GP, 0);
        return false;
    }
    return true;
}

Step exec_pushf(Cpu *cpu, const Insn *insn)
{
    uint64_t image = cpu->rflags & ~(uint64_t)(FLAG_VM | FLAG_RF);

    if (!flags_access_allowed(cpu, insn->op_width)) {
        return STEP_FAULT;
    }
    if (vm86_restricted(cpu)) {
        image = (image & ~(uint64_t)FLAG_IF) | FLAG_IOPL | (image & FLAG_VIF ? FLAG_IF : 0);
    }
    return stack_push(cpu, insn->op_width, image) ? STEP_NEXT : STEP_FAULT;
}

/* What POPF may change: SDM vol. 2, "Effect of POPF/POPFD on the EFLAGS Register". RF is cleared,
 * VM, VIF and VIP stay. */
static uint64_t popf_mask(const Cpu *cpu, unsigned width)
{
    uint64_t mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_RF;

    if (width != 2) {
        mask |= FLAG_AC | FLAG_ID;
    }
    if (cpu->mode & MODE_IOPL_OK) {
        mask |= FLAG_IF;
    }
    if (cpu_cpl(cpu) == 0) {
        mask |= FLAG_IOPL;
    }
    return mask;
}

Step exec_popf(Cpu *cpu, const Insn *insn)
{
    unsigned width = insn->op_width;
    uint64_t image, sp = stack_offset(cpu, width), mask = popf_mask(cpu, width);

    if (!flags_access_allowed(cpu, width) ||
        !stack_read(cpu, stack_offset(cpu, 0), width, &image)) {
        return STEP_FAULT;
    }
    image &= ~(uint64_t)(FLAG_RF | FLAG_VIF);
    if (vm86_restricted(cpu)) {
        if ((image & FLAG_TF) || ((image & FLAG_IF) && (cpu->rflags & FLAG_VIP))) {
            cpu_fault_error(cpu, VECTOR_GP, 0);
            return STEP_FAULT;
        }
        mask |= FLAG_VIF;
        image |= image & FLAG_IF ? FLAG_VIF : 0;
    }
    stack_set(cpu, sp);
    flags_write(cpu, image, mask);
    return STEP_NEXT;
}

/* ---- Procedure frames ---- */

/* Copies the outer frame pointers of a nested procedure, then pushes its own. */
static bool enter_nested(Cpu *cpu, unsigned width, unsigned level, uint64_t frame)
{
    uint64_t bp = cpu->gpr[RBP], value;

    for (unsigned i = 1; i < level; i++) {
        bp = (bp - width) & width_mask(stack_width(cpu));
        if (!stack_read(cpu, bp, width, &value) || !stack_push(cpu, width, value)) {
            return false;
        }
    }
    return stack_push(cpu, width, frame);
}

/* The new top of the stack must be writable; nothing is written there. */
static bool enter_allocate(Cpu *cpu, unsigned width, unsigned size)
{
    uint64_t offset = stack_offset(cpu, -(int64_t)size), linear;

    if (!segment_linear_quick(cpu, SS, offset, width, ACCESS_WRITE, &linear) ||
        !mmu_probe(cpu, linear, width, ACCESS_WRITE)) {
        return false;
    }
    stack_set(cpu, offset);
    return true;
}

Step exec_enter(Cpu *cpu, const Insn *insn)
{
    unsigned width = insn->op_width, level = (unsigned)insn->imm2 & 31;
    uint64_t rsp = cpu->gpr[RSP], frame;

    if (!stack_push(cpu, width, cpu->gpr[RBP])) {
        return STEP_FAULT;
    }
    frame = cpu->gpr[RSP];
    if ((level > 0 && !enter_nested(cpu, width, level, frame)) ||
        !enter_allocate(cpu, width, (uint16_t)insn->imm)) {
        cpu->gpr[RSP] = rsp;
        return STEP_FAULT;
    }
    gpr_write(cpu, RBP, width, frame);
    return STEP_NEXT;
}

Step exec_leave(Cpu *cpu, const Insn *insn)
{
    uint64_t bp = gpr_read(cpu, RBP, stack_width(cpu)), value;

    if (!stack_read(cpu, bp, insn->op_width, &value)) {
        return STEP_FAULT;
    }
    stack_set(cpu, bp + insn->op_width);
    gpr_write(cpu, RBP, insn->op_width, value);
    return STEP_NEXT;
}
