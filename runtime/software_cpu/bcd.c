/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bcd.c - decimal adjustment. 64-bit mode has it not, so the host does it in 32-bit code; where it
 * runs none, by the algorithms of SDM vol. 2, and of the flags that the manual leaves undefined
 * DAA and DAS clear OF; AAA and AAS set SF, ZF and PF by AL and clear OF; AAM and AAD clear CF, AF
 * and OF. */
#include "runtime/software_cpu/host_code32.h"
#include "runtime/software_cpu/host_traits.h"
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

static void packed_adjust(Cpu *cpu, int sign)
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
}

static void unpacked_adjust(Cpu *cpu, int sign)
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
}

static void multiply_adjust(Cpu *cpu, uint8_t base)
{
    uint8_t al = (uint8_t)cpu->gpr[RAX];

    gpr_write(cpu, RAX, 2, (uint64_t)(al / base) << 8 | al % base);
    adjusted(cpu, al % base, 0);
}

static void divide_adjust(Cpu *cpu, uint8_t base)
{
    uint8_t ah = (uint8_t)(cpu->gpr[RAX] >> 8);
    uint8_t al = (uint8_t)(cpu->gpr[RAX] + ah * base);

    gpr_write(cpu, RAX, 2, al);
    adjusted(cpu, al, 0);
}

static void adjust_here(Cpu *cpu, Decimal decimal, uint8_t base)
{
    switch (decimal) {
    case DECIMAL_DAA:
    case DECIMAL_DAS:
        packed_adjust(cpu, decimal == DECIMAL_DAA ? 1 : -1);
        break;
    case DECIMAL_AAA:
    case DECIMAL_AAS:
        unpacked_adjust(cpu, decimal == DECIMAL_AAA ? 1 : -1);
        break;
    case DECIMAL_AAM:
        multiply_adjust(cpu, base);
        break;
    case DECIMAL_AAD:
        divide_adjust(cpu, base);
        break;
    }
}

static Step adjust(Cpu *cpu, Decimal decimal, uint8_t base)
{
    uint64_t flags = flags_get(cpu);

    if (cpu->traits == NULL || cpu->traits->code32 == NULL) {
        adjust_here(cpu, decimal, base);
        return STEP_NEXT;
    }
    gpr_write(
        cpu, RAX, 2,
        host_code32_decimal(cpu->traits->code32, decimal, base, (uint16_t)cpu->gpr[RAX], &flags));
    flags_set(cpu, flags);
    return STEP_NEXT;
}

Step exec_daa(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return adjust(cpu, DECIMAL_DAA, 0);
}

Step exec_das(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return adjust(cpu, DECIMAL_DAS, 0);
}

Step exec_aaa(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return adjust(cpu, DECIMAL_AAA, 0);
}

Step exec_aas(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return adjust(cpu, DECIMAL_AAS, 0);
}

Step exec_aam(Cpu *cpu, const Insn *insn)
{
    if ((uint8_t)insn->imm == 0) {
        cpu_fault(cpu, VECTOR_DE);
        return STEP_FAULT;
    }
    return adjust(cpu, DECIMAL_AAM, (uint8_t)insn->imm);
}

Step exec_aad(Cpu *cpu, const Insn *insn)
{
    return adjust(cpu, DECIMAL_AAD, (uint8_t)insn->imm);
}
