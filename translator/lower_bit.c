/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_bit.c - BT, BTS, BTR and BTC of a bit in memory that a register numbers: an operating
 * system's bitmaps. The number is signed and reaches beyond the operand (SDM vol. 1 3.7.5). */
#include "translator/lower.h"

/* T1 = the whole number of the bit, with its sign. */
static void bit_number(Xlat *x, const Operand *op)
{
    int host = host_register(op->reg);
    Opcode load = { .code = op->width == 8 ? 0x8b : 0x63, .width = 8 }; /* mov or movsxd */

    if (op->width == 2) {
        load = (Opcode){ .map = 1, .code = 0xbf, .width = 8 }; /* movsx */
    }
    if (host == IN_MEMORY) {
        emit_op_rm(&x->e, &load, T1,
                   &(Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = gpr_slot(op->reg) });
    } else {
        emit_op_rr(&x->e, &load, T1, (unsigned)host);
    }
}

/* T1 = the bit's number in the unit that T0 addresses, with the guest's flags in the host's: those
 * that the instruction leaves alone must be there too. */
static void bit_in_unit(Xlat *x, const Operand *op)
{
    bit_number(x, op);
    emit_alu_ri(&x->e, 4, ALU_AND, T1, op->width * 8 - 1);
    if (x->live_in[x->current] != 0) {
        emit_store(&x->e, 8, HOST_RSP, offsetof(Cpu, jit_save), T1);
        flags_need_host(x);
        emit_load(&x->e, 8, T1, HOST_RSP, offsetof(Cpu, jit_save));
    }
}

bool lower_bit_string(Xlat *x, const Insn *insn)
{
    const Operand *op = &insn->op[1];
    bool test = insn->mnemonic == ZYDIS_MNEMONIC_BT;
    Access access = test ? ACCESS_READ : ACCESS_WRITE;
    unsigned shift = op->width == 8 ? 6 : op->width == 4 ? 5 : 4, width = insn->address_width;
    Address unit = { .base = T0, .index = T1, .scale = (uint8_t)op->width };

    if (((x->mode & MODE_CS64) && width != 8) || (test && (insn->prefix & PREFIX_LOCK)) ||
        !memory_reaches(x, insn, access)) {
        return false;
    }
    memory_offset(x, insn, T0);
    flags_spoil(x); /* keeps T0 */
    bit_number(x, op);
    emit_shift_ri(&x->e, 8, 7, T1, shift); /* sar */
    emit_lea(&x->e, width == 8 ? 8 : 4, T0, &unit);
    if (width == 2) {
        emit_op_rr(&x->e, &(Opcode){ .map = 1, .code = 0xb7 }, T0, T0); /* movzx */
    }
    segment_address(x, insn->mem.segment, op->width, width);
    memory_check(x, op->width, access);
    bit_in_unit(x, op);
    emit_op_rm(&x->e,
               &(Opcode){ .map = 1,
                          .code = insn->opcode,
                          .width = op->width == 4 ? 0 : (uint8_t)op->width,
                          .lock = insn->prefix & PREFIX_LOCK },
               T1, &(Address){ .base = T0, .index = HOST_NONE });
    flags_written(x);
    return true;
}
