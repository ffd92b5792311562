/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bcd.c - decimal adjustment; the algorithms of SDM vol. 2. Not in 64-bit mode, so the host cannot
 * do it for us. Flags that the manual leaves undefined: DAA, DAS clear OF; AAA, AAS set SF, ZF and
 * PF by AL and clear OF; AAM, AAD clear CF, AF and OF. */
#include "runtime/software_cpu/integer.h"

enum { FLAGS_RESULT = FLAG_SF | FLAG_ZF | FLAG_PF };

static uint64_t result_flags(uint8_t al)
{
    return (al & 0x80 ? FLAG_SF : 0) | (al == 0 ? FLAG_ZF : 0) |
           (__builtin_parity(al) ? 0 : FLAG_PF);
}

static void adjusted(Cpu *cpu, uint8_t al, uint64_t carries)
{
    cpu->rflags = (cpu->rflags & ~(uint64_t)FLAGS_ARITH) | carries | result_flags(al);
}

static Step packed_adjust(Cpu *cpu, int sign)
{
    uint8_t al = (uint8_t)cpu->gpr[RAX], old = al;
    uint64_t carries = 0;

    if ((al & 0xf) > 9 || (cpu->rflags & FLAG_AF)) {
        if (sign < 0 && old < 6) {
            carries |= FLAG_CF; /* the borrow of this step counts */
        }
        al = (uint8_t)(al + sign * 6);
        carries |= FLAG_AF;
    }
    if (old > 0x99 || (cpu->rflags & FLAG_CF)) {
        al = (uint8_t)(al + sign * 0x60);
        carries |= FLAG_CF;
    }
    gpr_write(cpu, RAX, 1, al);
    adjusted(cpu, al, carries);
    return STEP_NEXT;
}

Step exec_daa(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return packed_adjust(cpu, 1);
}

Step exec_das(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return packed_adjust(cpu, -1);
}

static Step unpacked_adjust(Cpu *cpu, int sign)
{
    uint16_t ax = (uint16_t)cpu->gpr[RAX];
    uint64_t carries = 0;

    if ((ax & 0xf) > 9 || (cpu->rflags & FLAG_AF)) {
        ax = (uint16_t)(ax + sign * 0x106);
        carries = FLAG_AF | FLAG_CF;
    }
    ax &= 0xff0f;
    gpr_write(cpu, RAX, 2, ax);
    adjusted(cpu, (uint8_t)ax, carries);
    return STEP_NEXT;
}

Step exec_aaa(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return unpacked_adjust(cpu, 1);
}

Step exec_aas(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return unpacked_adjust(cpu, -1);
}

Step exec_aam(Cpu *cpu, const Insn *insn)
{
    uint8_t base = (uint8_t)insn->imm, al = (uint8_t)cpu->gpr[RAX];

    if (base == 0) {
        cpu_fault(cpu, VECTOR_DE);
        return STEP_FAULT;
    }
    gpr_write(cpu, RAX, 2, (uint64_t)(al / base) << 8 | al % base);
    adjusted(cpu, al % base, 0);
    return STEP_NEXT;
}

Step exec_aad(Cpu *cpu, const Insn *insn)
{
    uint8_t ah = (uint8_t)(cpu->gpr[RAX] >> 8);
    uint8_t al = (uint8_t)(cpu->gpr[RAX] + ah * (uint8_t)insn->imm);

    gpr_write(cpu, RAX, 2, al);
    adjusted(cpu, al, 0);
    return STEP_NEXT;
}
