/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_segment.c - bases of FS and GS, loads of DS and ES, and VERW, which Linux executes on its
 * way to user code. */
#include "translator/lower_stack.h"

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

/* T1 = selector in operand i; false: nothing has been emitted. */
static bool selector_load(Xlat *x, const Insn *insn, unsigned i)
{
    const Opcode movzx = { .map = 1, .code = 0xb7 };
    Address at = { .base = T0, .index = HOST_NONE };
    int host;

    if (insn->op[i].kind == OPERAND_MEM) {
        if (!memory_operand(x, insn)) {
            return false;
        }
        at = memory_at(x);
        window_point(x);
    } else {
        host = host_register(insn->op[i].reg);
        if (host != IN_MEMORY) {
            emit_op_rr(&x->e, &movzx, T1, (unsigned)host);
            return true;
        }
        at = (Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = gpr_slot(insn->op[i].reg) };
    }
    emit_op_rm(&x->e, &movzx, T1, &at);
    return true;
}

/* Saves live flags, which takes T1; keeps it. */
static void flags_spoil_keeping_t1(Xlat *x)
{
    emit_store(&x->e, 8, HOST_RSP, offsetof(Cpu, jit_save), T1);
    flags_spoil(x);
    emit_load(&x->e, 8, T1, HOST_RSP, offsetof(Cpu, jit_save));
}

/* T0 = the descriptor that the selector in T1, which is in jit_save too, names in the GDT. */
static void descriptor_load(Xlat *x)
{
    const Address limit = { .base = HOST_RSP,
                            .index = HOST_NONE,
                            .disp = offsetof(Cpu, gdtr) + offsetof(TableRegister, limit) };
    unsigned linear = x->mode & MODE_LMA ? 8 : 4;
    Emitter *e = &x->e;

    emit_op_rr(e, &(Opcode){ .code = 0xf7 }, 0, T1); /* test: the LDT's? */
    emit_u32(e, 4);
    late_slow_if(x, CC_NE);
    emit_mov_rr(e, 4, T0, T1);
    emit_alu_ri(e, 4, ALU_OR, T0, 7);
    emit_op_rm(e, &(Opcode){ .code = ALU_CMP << 3 | 3, .width = 2 }, T0, &limit);
    late_slow_if(x, CC_A);
    emit_alu_ri(e, 4, ALU_AND, T1, 0xfff8);
    late_slow_if(x, CC_E); /* null */
    emit_load(e, 8, T0, HOST_RSP, offsetof(Cpu, gdtr) + offsetof(TableRegister, base));
    emit_lea(e, linear, T0, &(Address){ .base = T0, .index = T1, .scale = 1 });
    memory_check(x, 8, ACCESS_READ);
    emit_load(e, 8, T0, T0, 0);
}

/* A selector of writable data in the GDT sets ZF; for any other the software CPU decides. */
bool lower_verw(Xlat *x, const Insn *insn)
{
    enum { RIGHTS = 0x1a00, WRITABLE_DATA = 0x1200 }; /* S, code, writable */
    Emitter *e = &x->e;

    if ((x->mode & (MODE_PE | MODE_VM | MODE_CPL | MODE_AC)) != MODE_PE ||
        !selector_load(x, insn, 0)) {
        return false;
    }
    flags_spoil_keeping_t1(x);
    emit_op_rr(e, &(Opcode){ .code = 0xf7 }, 0, T1); /* test: no privilege asked for? */
    emit_u32(e, 3);
    late_slow_if(x, CC_NE);
    descriptor_load(x);
    emit_shift_ri(e, 8, 5, T0, 32);
    emit_alu_ri(e, 4, ALU_AND, T0, RIGHTS);
    emit_alu_ri(e, 4, ALU_CMP, T0, WRITABLE_DATA);
    late_slow_if(x, CC_NE);
    emit_op_rm(
        e, &(Opcode){ .code = 0x80 }, ALU_OR,
        &(Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = offsetof(Cpu, jit_flags) + 1 });
    emit_u8(e, FLAG_ZF);
    x->saved = true;
    x->in_host = false;
    return true;
}

/* ---- Loads of DS and ES ---- */

/* Those that leave the mode alone, and may read the GDT with the rights of ordinary accesses. */
static bool flat_load_usable(const Xlat *x, unsigned name)
{
    uint32_t flat = name == DS ? MODE_FLAT_DS : MODE_FLAT_ES;

    return (name == DS || name == ES) && (x->mode & flat) && flow_chained(x) &&
           (x->mode & (MODE_PE | MODE_VM | MODE_CPL | MODE_AC)) == MODE_PE;
}

/* The selector in T1 if it is that of flat data for all privileges; others are called out. */
static void flat_load(Xlat *x, unsigned name)
{
    const int64_t flat_data = 0x00cff3000000ffff;
    const uint16_t attr = 0xc0f3;
    Address field = { .base = HOST_RSP,
                      .index = HOST_NONE,
                      .disp = (int32_t)(offsetof(Cpu, seg) + name * sizeof(Segment)) };
    Emitter *e = &x->e;

    flags_spoil_keeping_t1(x);
    descriptor_load(x);
    emit_mov_ri(e, T1, flat_data);
    emit_alu_rr(e, 8, ALU_CMP, T0, T1);
    late_slow_if(x, CC_NE);
    emit_op_rm(e, &(Opcode){ .code = 0xc7, .width = 8 }, 0, &field); /* base: mov, 0 */
    emit_u32(e, 0);
    field.disp += (int32_t)offsetof(Segment, limit);
    emit_op_rm(e, &(Opcode){ .code = 0xc7 }, 0, &field);
    emit_u32(e, UINT32_MAX);
    emit_load(e, 4, T1, HOST_RSP, offsetof(Cpu, jit_save));
    field.disp += (int32_t)(offsetof(Segment, selector) - offsetof(Segment, limit));
    emit_store(e, 2, HOST_RSP, field.disp, T1);
    field.disp += (int32_t)(offsetof(Segment, attr) - offsetof(Segment, selector));
    emit_op_rm(e, &(Opcode){ .code = 0xc7, .width = 2 }, 0, &field);
    emit_u16(e, attr);
}

bool lower_mov_to_segment(Xlat *x, const Insn *insn)
{
    if (real_load_usable(x, insn->op[0].reg)) {
        if (!selector_load(x, insn, 1)) {
            return false;
        }
        flags_spoil_keeping_t1(x);
        real_load(x, insn->op[0].reg);
        return true;
    }
    if (!flat_load_usable(x, insn->op[0].reg) || !selector_load(x, insn, 1)) {
        return false;
    }
    flat_load(x, insn->op[0].reg);
    return true;
}

bool lower_pop_segment(Xlat *x, const Insn *insn)
{
    bool real = real_load_usable(x, insn->op[0].reg);
    Address at;

    if (!stack_usable(x) ||
        (!real && (insn->op_width == 2 || !flat_load_usable(x, insn->op[0].reg)))) {
        return false;
    }
    stack_pop_check(x, insn->op_width);
    at = memory_at(x);
    window_point(x);
    emit_op_rm(&x->e, &(Opcode){ .map = 1, .code = 0xb7 }, T1, &at); /* movzx */
    if (real) {
        real_load(x, insn->op[0].reg);
    } else {
        flat_load(x, insn->op[0].reg);
    }
    stack_move(x, (int32_t)insn->op_width);
    return true;
}
