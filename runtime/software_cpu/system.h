/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_SYSTEM_H
#define SOFTWARE_CPU_SYSTEM_H
/* system.h - what the files of the system instructions share, and the two forms of MOV that the
 * integer family hands over. */
#include "runtime/software_cpu/software_cpu_int.h"

/* MOV with an OPERAND_CR or OPERAND_DR operand. */
Step exec_mov_control(Cpu *cpu, const Insn *insn);
Step exec_mov_debug(Cpu *cpu, const Insn *insn);

#define INSN(mnemonic, exec, lowering, written, read) Step exec_##exec(Cpu *cpu, const Insn *insn);
#include "translator/insns_system.def"
#undef INSN

/* The ways that nearly all of them fault. */
static inline Step fault_gp0(Cpu *cpu)
{
    cpu_fault_error(cpu, VECTOR_GP, 0);
    return STEP_FAULT;
}

static inline Step fault_undefined(Cpu *cpu)
{
    cpu_fault(cpu, VECTOR_UD);
    return STEP_FAULT;
}

/* RIP of the next instruction. */
static inline uint64_t next_rip(const Cpu *cpu, const Insn *insn)
{
    uint64_t rip = cpu->rip + insn->length;

    return insn->code_width == 8 ? rip : (uint32_t)rip;
}

/* ---- SMM (smm.c) ---- */

/* Takes a system management interrupt: saves the state map at SMBASE and enters SMM. */
void smm_enter(Cpu *cpu);

#endif
