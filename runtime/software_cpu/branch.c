/* SPDX-License-Identifier: GPL-2.0-or-later */
/* branch.c - near control flow. Far forms share some mnemonics and are handed on to far.c. */
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/integer.h"
#include "runtime/software_cpu/segment.h"

/* Truncates `target` as the operand size says and checks it against the code segment. */
static bool branch_target(Cpu *cpu, unsigned op_width, uint64_t *target)
{
    bool valid;

    if (cpu->mode & MODE_CS64) {
        valid = address_canonical(*target);
    } else {
        *target &= op_width == 2 ? 0xffff : 0xffffffff;
        valid = *target <= cpu->seg[CS].limit;
    }
    if (!valid) {
        cpu_fault_error(cpu, VECTOR_GP, 0);
    }
    return valid;
}

bool branch_near(Cpu *cpu, unsigned op_width, uint64_t target)
{
    if (!branch_target(cpu, op_width, &target)) {
        return false;
    }
    cpu->rip = target;
    return true;
}

bool condition_holds(const Cpu *cpu, unsigned condition)
{
    return condition_quick(cpu->rflags, condition);
}

static Step branch_relative(Cpu *cpu, const Insn *insn)
{
    uint64_t target = cpu->rip + insn->length + (uint64_t)insn->imm;

    return branch_near(cpu, insn->op_width, target) ? STEP_JUMP : STEP_FAULT;
}

Step exec_jcc(Cpu *cpu, const Insn *insn)
{
    if (!condition_quick(cpu->rflags, insn->opcode)) {
        return STEP_NEXT;
    }
    return branch_relative(cpu, insn);
}

static bool near_operand(Cpu *cpu, const Insn *insn, uint64_t *target)
{
    if (insn->op[0].kind == OPERAND_REL) {
        *target = cpu->rip + insn->length + (uint64_t)insn->imm;
        return true;
    }
    return operand_read(cpu, insn, 0, target);
}

Step exec_jmp(Cpu *cpu, const Insn *insn)
{
    uint64_t target;

    if (insn_is_far(insn)) {
        return exec_jmp_far(cpu, insn);
    }
    if (!near_operand(cpu, insn, &target) || !branch_target(cpu, insn->op_width, &target)) {
        return STEP_FAULT;
    }
    cpu->rip = target;
    return STEP_JUMP;
}

/* The stack is looked at before the target, and on some CPUs written. */
static Step call_nowhere(Cpu *cpu, const Insn *insn)
{
    uint64_t offset = stack_offset(cpu, -(int64_t)insn->op_width), linear;

    if (!segment_linear_quick(cpu, SS, offset, insn->op_width, ACCESS_WRITE, &linear) ||
        !mmu_probe(cpu, linear, insn->op_width, ACCESS_WRITE)) {
        return STEP_FAULT;
    }
    if (host_trait(cpu, HOST_CALL_PUSH)) {
        mmu_write(cpu, linear, insn->op_width, cpu->rip + insn->length);
    }
    cpu_fault_error(cpu, VECTOR_GP, 0);
    return STEP_FAULT;
}

Step exec_call(Cpu *cpu, const Insn *insn)
{
    uint64_t target;

    if (insn_is_far(insn)) {
        return exec_call_far(cpu, insn);
    }
    if (!near_operand(cpu, insn, &target)) {
        return STEP_FAULT;
    }
    if (!branch_target(cpu, insn->op_width, &target)) {
        return call_nowhere(cpu, insn);
    }
    if (!stack_push(cpu, insn->op_width, cpu->rip + insn->length)) {
        return STEP_FAULT;
    }
    cpu->rip = target;
    return STEP_JUMP;
}

Step exec_ret(Cpu *cpu, const Insn *insn)
{
    unsigned release = insn->n_operands > 0 ? (uint16_t)insn->imm : 0;
    uint64_t target;

    if (insn_is_far(insn)) {
        return exec_ret_far(cpu, insn);
    }
    if (!stack_read(cpu, stack_offset(cpu, 0), insn->op_width, &target) ||
        !branch_near(cpu, insn->op_width, target)) {
        return STEP_FAULT;
    }
    stack_set(cpu, stack_offset(cpu, (int64_t)insn->op_width + release));
    return STEP_JUMP;
}

/* The counter's width is the address size. */
static Step loop_while(Cpu *cpu, const Insn *insn, bool condition)
{
    uint64_t count = (cpu->gpr[RCX] - 1) & width_mask(insn->address_width);
    Step step = count != 0 && condition ? branch_relative(cpu, insn) : STEP_NEXT;

    if (step != STEP_FAULT) {
        gpr_write(cpu, RCX, insn->address_width, count);
    }
    return step;
}

Step exec_loop(Cpu *cpu, const Insn *insn)
{
    return loop_while(cpu, insn, true);
}

Step exec_loope(Cpu *cpu, const Insn *insn)
{
    return loop_while(cpu, insn, cpu->rflags & FLAG_ZF);
}

Step exec_loopne(Cpu *cpu, const Insn *insn)
{
    return loop_while(cpu, insn, !(cpu->rflags & FLAG_ZF));
}

Step exec_jcxz(Cpu *cpu, const Insn *insn)
{
    return gpr_read(cpu, RCX, insn->address_width) == 0 ? branch_relative(cpu, insn) : STEP_NEXT;
}
