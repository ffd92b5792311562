/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow.c - where direct branches lead, and the exits of 16-bit code.
 *
 * IP has 16 bits, so what is near by its distance may be at the segment's other end. A block of
 * 16-bit code is therefore good for one place in one segment (MODE_CODE16), and knows all addresses
 * in that. The indirect-branch cache knows CS:IP by the base in the upper half and IP in the lower,
 * which is a rip where the base is 0. */
#include "translator/translator_int.h"

enum { IP_END = 0x10000 };

static uint32_t ip_of(const Xlat *x, int32_t page_offset)
{
    return (uint32_t)(x->in->ip_base + page_offset);
}

static uint64_t key_of(const Xlat *x, uint32_t ip)
{
    return (uint64_t)x->in->cs_base << 32 | ip;
}

int32_t flow_target(const Xlat *x, const Insn *insn, int32_t end)
{
    int32_t target = (int32_t)((uint32_t)end + (uint32_t)insn->imm);

    if (code_is_16(x) && insn->op_width == 2) {
        return (int32_t)(ip_of(x, target) % IP_END) - x->in->ip_base;
    }
    return target;
}

bool flow_usable(const Xlat *x, const Insn *insn, int32_t end)
{
    if (!flow_chained(x)) {
        return false;
    }
    if (!code_is_16(x)) {
        return insn->op_width != 2;
    }
    return insn->op_width == 2 || insn->op[0].kind != OPERAND_REL ||
           ip_of(x, flow_target(x, insn, end)) < IP_END;
}

bool flow_near(const Xlat *x, int32_t target)
{
    return target >= 0 && target < PAGE_SIZE && (!code_is_16(x) || ip_of(x, target) < IP_END);
}

void exit_known16(Xlat *x, uint64_t key)
{
    int32_t at = (int32_t)ibtc_place(key) << IBTC_ENTRY_SHIFT;
    Address rip = { .base = T1,
                    .index = HOST_NONE,
                    .disp = at + (int32_t)offsetof(IbtcEntry, rip) };
    Address host = rip;
    Emitter *e = &x->e;

    host.disp = at + (int32_t)offsetof(IbtcEntry, host);
    flags_need_saved(x);
    emit_load(e, 8, T1, HOST_RSP, offsetof(Cpu, jit_ibtc));
    emit_mov_ri(e, T0, (int64_t)key);
    emit_op_rm(e, &(Opcode){ .code = ALU_CMP << 3 | 3, .width = 8 }, T0, &rip);
    late_add(x, &(Late){ .kind = LATE_MISS,
                         .place = emit_jcc(e, CC_NE),
                         .page_offset = x->offset[x->n - 1] });
    emit_jmp_m(e, &host);
}

/* What falls out of the segment's end is fetched there, and faults. */
void exit_far16(Xlat *x, int32_t target)
{
    if (ip_of(x, target) < IP_END) {
        exit_known16(x, key_of(x, ip_of(x, target)));
    } else {
        flags_need_host(x);
        stub_call(x, JIT_STUB_DISPATCH, &(Site){ .page_offset = (uint16_t)target });
    }
}

void exit_key16(Xlat *x)
{
    Emitter *e = &x->e;

    flags_spoil(x);
    emit_op_rr(e, &(Opcode){ .map = 1, .code = 0xb7 }, T0, T0); /* movzx */
    if (x->in->cs_base != 0) {
        emit_mov_ri(e, T1, (int64_t)key_of(x, 0));
        emit_alu_rr(e, 8, ALU_OR, T0, T1);
    }
}
