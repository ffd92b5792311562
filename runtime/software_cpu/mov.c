/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mov.c - data movement on general registers, and single flags. */
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/integer.h"
#include "runtime/software_cpu/segment.h"

/* op[0] = op[1], both of one width. */
Step exec_move(Cpu *cpu, const Insn *insn)
{
    uint64_t value;

    if (!source_read(cpu, insn, 1, &value) || !operand_write(cpu, insn, 0, value)) {
        return STEP_FAULT;
    }
    return STEP_NEXT;
}

static Step mov_special(Cpu *cpu, const Insn *insn)
{
    for (unsigned i = 0; i < 2; i++) {
        switch (insn->op[i].kind) {
        case OPERAND_SEGMENT:
            return exec_mov_segment(cpu, insn);
        case OPERAND_CR:
            return exec_mov_control(cpu, insn);
        case OPERAND_DR:
            return exec_mov_debug(cpu, insn);
        default:
            break;
        }
    }
    return exec_move(cpu, insn);
}

/* The most frequent instruction: plain registers and memory in line, all else behind. */
Step exec_mov(Cpu *cpu, const Insn *insn)
{
    const Operand *to = &insn->op[0], *from = &insn->op[1];
    uint64_t value, linear;

    if (from->kind == OPERAND_GPR) {
        value = cpu->gpr[from->reg];
    } else if (from->kind == OPERAND_IMM) {
        value = (uint64_t)insn->imm;
    } else if (from->kind == OPERAND_MEM && to->kind == OPERAND_GPR) {
        if (!operand_linear(cpu, insn, from->width, ACCESS_READ, &linear) ||
            !mmu_read(cpu, linear, from->width, &value)) {
            return STEP_FAULT;
        }
    } else {
        return mov_special(cpu, insn);
    }
    if (to->kind == OPERAND_GPR) {
        gpr_write(cpu, to->reg, to->width, value);
        return STEP_NEXT;
    }
    if (to->kind == OPERAND_MEM) {
        return operand_linear(cpu, insn, to->width, ACCESS_WRITE, &linear) &&
                       mmu_write(cpu, linear, to->width, value)
                   ? STEP_NEXT
                   : STEP_FAULT;
    }
    return mov_special(cpu, insn);
}

Step exec_movzx(Cpu *cpu, const Insn *insn)
{
    uint64_t value;

    if (!operand_read(cpu, insn, 1, &value)) {
        return STEP_FAULT;
    }
    gpr_write(cpu, insn->op[0].reg, insn->op[0].width, value);
    return STEP_NEXT;
}

Step exec_movsx(Cpu *cpu, const Insn *insn)
{
    uint64_t value;

    if (!operand_read(cpu, insn, 1, &value)) {
        return STEP_FAULT;
    }
    gpr_write(cpu, insn->op[0].reg, insn->op[0].width,
              (uint64_t)sign_extend(value, insn->op[1].width));
    return STEP_NEXT;
}

/* The source is read, and may fault, whatever the condition; a 4-byte register is zero-extended
 * even when it keeps its value. */
Step exec_cmov(Cpu *cpu, const Insn *insn)
{
    const Operand *to = &insn->op[0];
    uint64_t value;

    if (!source_read(cpu, insn, 1, &value)) {
        return STEP_FAULT;
    }
    if (!condition_quick(cpu->rflags, insn->opcode)) {
        value = cpu->gpr[to->reg];
    }
    gpr_write(cpu, to->reg, to->width, value);
    return STEP_NEXT;
}

Step exec_setcc(Cpu *cpu, const Insn *insn)
{
    return operand_write(cpu, insn, 0, condition_quick(cpu->rflags, insn->opcode)) ? STEP_NEXT
                                                                                   : STEP_FAULT;
}

/* F3 90 with REX.B, which some CPUs take for an exchange. */
static bool is_pause(const Cpu *cpu, const Insn *insn)
{
    return insn->mandatory == 0xf3 && host_trait(cpu, HOST_PAUSE_REX);
}

/* With memory always atomic. */
Step exec_xchg(Cpu *cpu, const Insn *insn)
{
    unsigned mem = insn->op[1].kind == OPERAND_MEM, reg = !mem;
    unsigned width = insn->op[0].width;
    uint64_t a, b, linear;

    operand_read(cpu, insn, reg, &b);
    if (insn->op[mem].kind != OPERAND_MEM) {
        if (is_pause(cpu, insn)) {
            return STEP_NEXT;
        }
        operand_read(cpu, insn, mem, &a);
        operand_write(cpu, insn, mem, b);
        operand_write(cpu, insn, reg, a);
        return STEP_NEXT;
    }
    if (!operand_linear(cpu, insn, width, ACCESS_WRITE, &linear) ||
        !memory_rmw_begin(cpu, linear, width, &a)) {
        return STEP_FAULT;
    }
    while (!operand_update(cpu, linear, width, &a, b)) {
    }
    operand_write(cpu, insn, reg, a);
    return STEP_NEXT;
}

Step exec_lea(Cpu *cpu, const Insn *insn)
{
    gpr_write(cpu, insn->op[0].reg, insn->op[0].width, operand_offset(cpu, insn));
    return STEP_NEXT;
}

Step exec_xlat(Cpu *cpu, const Insn *insn)
{
    uint64_t offset = cpu->gpr[RBX] + gpr_read(cpu, RAX, 1), linear, value;

    if (!segment_linear_quick(cpu, insn->mem.segment, offset & width_mask(insn->address_width), 1,
                              ACCESS_READ, &linear) ||
        !mmu_read(cpu, linear, 1, &value)) {
        return STEP_FAULT;
    }
    gpr_write(cpu, RAX, 1, value);
    return STEP_NEXT;
}

/* ---- Sign extension of the accumulator ---- */

/* CBW, CWDE, CDQE */
Step exec_extend_accumulator(Cpu *cpu, const Insn *insn)
{
    gpr_write(cpu, RAX, insn->op_width, (uint64_t)sign_extend(cpu->gpr[RAX], insn->op_width / 2u));
    return STEP_NEXT;
}

/* CWD, CDQ, CQO */
Step exec_extend_to_rdx(Cpu *cpu, const Insn *insn)
{
    gpr_write(cpu, RDX, insn->op_width,
              sign_extend(cpu->gpr[RAX], insn->op_width) < 0 ? UINT64_MAX : 0);
    return STEP_NEXT;
}

/* ---- Flags ---- */

Step exec_lahf(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    cpu->gpr[RAX] = (cpu->gpr[RAX] & ~0xff00ull) | (cpu->rflags & 0xff) << 8;
    return STEP_NEXT;
}

Step exec_sahf(Cpu *cpu, const Insn *insn)
{
    const uint64_t mask = FLAGS_ARITH & 0xff;

    (void)insn;
    cpu->rflags = (cpu->rflags & ~mask) | (cpu->gpr[RAX] >> 8 & mask);
    return STEP_NEXT;
}

Step exec_salc(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    gpr_write(cpu, RAX, 1, cpu->rflags & FLAG_CF ? 0xff : 0);
    return STEP_NEXT;
}

Step exec_clc(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    cpu->rflags &= ~(uint64_t)FLAG_CF;
    return STEP_NEXT;
}

Step exec_stc(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    cpu->rflags |= FLAG_CF;
    return STEP_NEXT;
}

Step exec_cmc(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    cpu->rflags ^= FLAG_CF;
    return STEP_NEXT;
}

Step exec_cld(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    cpu->rflags &= ~(uint64_t)FLAG_DF;
    return STEP_NEXT;
}

Step exec_std(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    cpu->rflags |= FLAG_DF;
    return STEP_NEXT;
}
