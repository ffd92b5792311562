/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_mode.c - instructions that go on in another mode, and so in another block: STAC, CLAC. */
#include "translator/lower.h"

/* The bank of indirect branches and the salt of exits are those of EFLAGS.AC's other state now. */
static void banks_swap(Xlat *x, size_t current, size_t other)
{
    Emitter *e = &x->e;

    emit_load(e, 8, T0, HOST_RSP, (int32_t)current);
    emit_load(e, 8, T1, HOST_RSP, (int32_t)other);
    emit_store(e, 8, HOST_RSP, (int32_t)other, T0);
    emit_store(e, 8, HOST_RSP, (int32_t)current, T1);
}

static void mode_ac_set(Xlat *x, bool on)
{
    Emitter *e = &x->e;

    emit_alu_mi(e, 4, on ? ALU_OR : ALU_AND, HOST_RSP, offsetof(Cpu, rflags),
                on ? (int32_t)FLAG_AC : (int32_t)~FLAG_AC);
    if (on == ((x->mode & MODE_AC) != 0)) {
        return;
    }
    emit_alu_mi(e, 4, on ? ALU_OR : ALU_AND, HOST_RSP, offsetof(Cpu, mode),
                on ? (int32_t)MODE_AC : (int32_t)~MODE_AC);
    emit_op_rm(e, &(Opcode){ .code = 0xc7 }, 0,
               &(Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = offsetof(Cpu, context) });
    emit_u32(e, on ? MMU_KERNEL_AC : MMU_KERNEL);
    banks_swap(x, offsetof(Cpu, jit_ibtc), offsetof(Cpu, jit_ibtc_other));
    banks_swap(x, offsetof(Cpu, jit_salt), offsetof(Cpu, jit_salt_other));
}

static bool ac_usable(const Xlat *x)
{
    return flow_chained(x) && (x->mode & (MODE_PE | MODE_VM | MODE_CPL)) == MODE_PE;
}

static void go_on_behind(Xlat *x, const Insn *insn)
{
    exit_direct(x, x->offset[x->current] + insn->length, -1);
    x->ended = true;
}

/* Without CR4.SMAP, which is not part of the mode, AC has no effect on it. */
bool lower_stac(Xlat *x, const Insn *insn)
{
    const Address cr4_byte2 = { .base = HOST_RSP,
                                .index = HOST_NONE,
                                .disp = offsetof(Cpu, cr4) + 2 };

    if (!ac_usable(x)) {
        return false;
    }
    flags_spoil(x);
    if (!(x->mode & MODE_AC)) {
        emit_op_rm(&x->e, &(Opcode){ .code = 0xf6 }, 0, &cr4_byte2); /* test byte */
        emit_u8(&x->e, CR4_SMAP >> 16);
        late_slow_if(x, CC_E);
    }
    mode_ac_set(x, true);
    go_on_behind(x, insn);
    return true;
}

bool lower_clac(Xlat *x, const Insn *insn)
{
    if (!ac_usable(x)) {
        return false;
    }
    flags_spoil(x);
    mode_ac_set(x, false);
    go_on_behind(x, insn);
    return true;
}
