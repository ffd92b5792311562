/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_segment.c - bases of FS and GS, and VERW, which Linux executes on its way to user code. */
#include "translator/lower.h"

static int32_t base_slot(const Insn *insn)
{
    bool fs = insn->mnemonic == ZYDIS_MNEMONIC_RDFSBASE ||
              insn->mnemonic == ZYDIS_MNEMONIC_WRFSBASE;

    return (int32_t)(offsetof(Cpu, seg) + (fs ? FS : GS) * sizeof(Segment) +
                     offsetof(Segment, base));
}

/* CR4.FSGSBASE is not part of the mode. */
static void base_enabled(Xlat *x)
{
    const Address cr4_byte2 = { .base = HOST_RSP,
                                .index = HOST_NONE,
                                .disp = offsetof(Cpu, cr4) + 2 };

    flags_spoil(x);
    emit_op_rm(&x->e, &(Opcode){ .code = 0xf6 }, 0, &cr4_byte2); /* test byte */
    emit_u8(&x->e, CR4_FSGSBASE >> 16);
    late_slow_if(x, CC_E);
}

bool lower_rdbase(Xlat *x, const Insn *insn)
{
    int host = host_register(insn->op[0].reg);

    if (!(x->mode & MODE_CS64)) {
        return false;
    }
    base_enabled(x);
    if (host != IN_MEMORY) {
        emit_load(&x->e, insn->op[0].width, (unsigned)host, HOST_RSP, base_slot(insn));
        return true;
    }
    emit_load(&x->e, insn->op[0].width, T0, HOST_RSP, base_slot(insn));
    emit_store(&x->e, 8, HOST_RSP, gpr_slot(insn->op[0].reg), T0);
    return true;
}

bool lower_wrbase(Xlat *x, const Insn *insn)
{
    int host = host_register(insn->op[0].reg);
    Emitter *e = &x->e;

    if (!(x->mode & MODE_CS64)) {
        return false;
    }
    base_enabled(x);
    if (host != IN_MEMORY) {
        emit_mov_rr(e, insn->op[0].width, T0, (unsigned)host);
    } else {
        emit_load(e, insn->op[0].width, T0, HOST_RSP, gpr_slot(insn->op[0].reg));
    }
    if (insn->op[0].width == 8) { /* canonical? */
        emit_mov_rr(e, 8, T1, T0);
        emit_shift_ri(e, 8, 4, T1, 16);
        emit_shift_ri(e, 8, 7, T1, 16);
        emit_alu_rr(e, 8, ALU_CMP, T1, T0);
        late_slow_if(x, CC_NE);
    }
    emit_store(e, 8, HOST_RSP, base_slot(insn), T0);
    return true;
}

/* T1 = selector; false: nothing has been emitted. */
static bool selector_load(Xlat *x, const Insn *insn)
{
    const Opcode movzx = { .map = 1, .code = 0xb7 };
    Address at = { .base = T0, .index = HOST_NONE };
    int host;

    if (insn->op[0].kind == OPERAND_MEM) {
        if (!memory_operand(x, insn)) {
            return false;
        }
        at.disp = x->mem_disp;
    } else {
        host = host_register(insn->op[0].reg);
        if (host != IN_MEMORY) {
            emit_op_rr(&x->e, &movzx, T1, (unsigned)host);
            return true;
        }
        at = (Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = gpr_slot(insn->op[0].reg) };
    }
    emit_op_rm(&x->e, &movzx, T1, &at);
    return true;
}

/* T0 = host address of the descriptor in the GDT that the selector in T1, which must not be null
 * and ask for no privilege, names. */
static void descriptor_find(Xlat *x)
{
    const Address limit = { .base = HOST_RSP,
                            .index = HOST_NONE,
                            .disp = offsetof(Cpu, gdtr) + offsetof(TableRegister, limit) };
    unsigned linear = x->mode & MODE_LMA ? 8 : 4;
    Emitter *e = &x->e;

    emit_op_rr(e, &(Opcode){ .code = 0xf7 }, 0, T1); /* test: RPL and TI */
    emit_u32(e, 7);
    late_slow_if(x, CC_NE);
    emit_alu_rr(e, 4, ALU_AND, T1, T1);
    late_slow_if(x, CC_E);
    emit_lea(e, 4, T0, &(Address){ .base = T1, .index = HOST_NONE, .disp = 7 });
    emit_op_rm(e, &(Opcode){ .code = ALU_CMP << 3 | 3, .width = 2 }, T0, &limit);
    late_slow_if(x, CC_A);
    emit_load(e, 8, T0, HOST_RSP, offsetof(Cpu, gdtr) + offsetof(TableRegister, base));
    emit_lea(e, linear, T0, &(Address){ .base = T0, .index = T1, .scale = 1 });
    memory_check(x, 8, ACCESS_READ);
}

/* A selector of writable data in the GDT sets ZF; for any other the software CPU decides. */
bool lower_verw(Xlat *x, const Insn *insn)
{
    enum { RIGHTS = 0x1a00, WRITABLE_DATA = 0x1200 }; /* S, code, writable */
    Emitter *e = &x->e;

    if ((x->mode & (MODE_PE | MODE_VM | MODE_CPL | MODE_AC)) != MODE_PE ||
        !selector_load(x, insn)) {
        return false;
    }
    if (x->in_host && !x->saved) { /* keeps T1 by way of the Cpu */
        emit_store(e, 8, HOST_RSP, offsetof(Cpu, jit_save), T1);
        flags_spoil(x);
        emit_load(e, 8, T1, HOST_RSP, offsetof(Cpu, jit_save));
    }
    descriptor_find(x);
    emit_load(e, 4, T1, T0, 4);
    emit_alu_ri(e, 4, ALU_AND, T1, RIGHTS);
    emit_alu_ri(e, 4, ALU_CMP, T1, WRITABLE_DATA);
    late_slow_if(x, CC_NE);
    emit_op_rm(
        e, &(Opcode){ .code = 0x80 }, ALU_OR,
        &(Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = offsetof(Cpu, jit_flags) + 1 });
    emit_u8(e, FLAG_ZF);
    x->saved = true;
    x->in_host = false;
    return true;
}
