/* SPDX-License-Identifier: GPL-2.0-or-later */
/* in_memory.c - integer instructions on a guest register that lives in memory, as the same
 * instructions with a memory operand: no scratch register, and nothing to load and store. */
#include "translator/lower.h"

static int operand_at(const Insn *insn, OperandPlace place)
{
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].place == place) {
            return insn->op[i].kind == OPERAND_GPR ? (int)i : -1;
        }
    }
    return -1;
}

static bool lives_in_memory(const Operand *op)
{
    return host_register(op->reg) == IN_MEMORY;
}

/* The opcode with ModRM.reg and ModRM.rm exchanged; 0: there is none. */
static uint8_t exchanged(const Insn *insn)
{
    uint8_t op = insn->opcode;

    if (insn->map != 0) {
        return 0;
    }
    if ((op < 0x40 && (op & 7) < 4) || (op >= 0x88 && op <= 0x8b)) {
        return op ^ 2;
    }
    return (op & 0xfe) == 0x84 ? op : 0; /* TEST */
}

/* A write of 32 bits clears the upper half as well, which memory does not. */
static bool write_fits(const Operand *op)
{
    return !op->write || op->width != 4;
}

bool in_memory_form(const Insn *insn, Insn *form, Recode *to)
{
    int rm = operand_at(insn, PLACE_RM), reg = operand_at(insn, PLACE_REG);
    bool is_xchg = insn->map == 0 && (insn->opcode & 0xfe) == 0x86; /* is locked, in memory */
    unsigned slot;

    if (insn->has_mem || !insn->has_modrm || rm < 0 || is_xchg) {
        return false;
    }
    *form = *insn;
    *to = (Recode){ -1, -1, -1, -1, HOST_RSP };
    if (lives_in_memory(&insn->op[rm])) {
        slot = (unsigned)rm;
        to->reg = reg >= 0 ? host_register(insn->op[reg].reg) : -1;
        if (reg >= 0 && to->reg == IN_MEMORY) {
            return false;
        }
    } else {
        if (reg < 0 || !lives_in_memory(&insn->op[reg]) || exchanged(insn) == 0) {
            return false;
        }
        slot = (unsigned)reg;
        form->opcode = exchanged(insn);
        form->op[rm].place = PLACE_REG;
        form->op[reg].place = PLACE_RM;
        to->reg = host_register(insn->op[rm].reg);
    }
    form->op[slot].kind = OPERAND_MEM;
    form->has_mem = true;
    return write_fits(&insn->op[slot]);
}
