/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory.c - effective addresses and the inline look-up in the soft MMU's TLB (cpu.h). */
#include "translator/translator_int.h"

static void effective_rip(Xlat *x, int64_t disp, unsigned to, unsigned width)
{
    Address a = { .base = (uint8_t)to, .index = HOST_NONE, .disp = PAGE_SIZE };

    emit_load(&x->e, 8, to, HOST_RSP, offsetof(Cpu, code_base));
    if (disp != (int32_t)disp) {
        emit_lea(&x->e, 8, to, &a);
        disp -= PAGE_SIZE;
    }
    a.disp = (int32_t)disp;
    emit_lea(&x->e, width, to, &a);
}

/* The host register that holds a guest register, loaded into `scratch` if it is in memory. */
static uint8_t register_value(Xlat *x, unsigned gpr, unsigned scratch)
{
    int host = host_register(gpr);

    if (host != IN_MEMORY) {
        return (uint8_t)host;
    }
    emit_load(&x->e, 8, scratch, HOST_RSP, gpr_slot(gpr));
    return (uint8_t)scratch;
}

void memory_effective(Xlat *x, const MemOperand *mem, unsigned to, unsigned width)
{
    Address a = { .base = HOST_NONE, .index = HOST_NONE, .disp = (int32_t)mem->disp };

    if (mem->base == MEM_RIP) {
        effective_rip(x, mem->disp, to, width);
        return;
    }
    if (mem->base == MEM_NO_REG && mem->index == MEM_NO_REG) {
        emit_mov_ri(&x->e, to, width == 4 ? (int64_t)(uint32_t)mem->disp : mem->disp);
        return;
    }
    if (mem->index != MEM_NO_REG) {
        a.index = register_value(x, mem->index, T1);
        a.scale = mem->scale;
    }
    if (mem->base != MEM_NO_REG) {
        a.base = register_value(x, mem->base, T0);
    } else if (a.scale == 1) {
        a.base = a.index;
        a.index = HOST_NONE;
    } else {
        emit_mov_ri(&x->e, T0, 0);
        a.base = T0;
    }
    emit_lea(&x->e, width, to, &a);
}

void memory_offset(Xlat *x, const Insn *insn, unsigned to)
{
    MemOperand mem = insn->mem;

    if (mem.base == MEM_RIP) {
        mem.disp += x->offset[x->current] + insn->length;
    }
    memory_effective(x, &mem, to, insn->address_width == 8 ? 8 : 4);
    if (insn->address_width == 2) {
        emit_op_rr(&x->e, &(Opcode){ .map = 1, .code = 0xb7 }, to, to); /* movzx */
    }
}

static bool segment_is_flat(const Xlat *x, unsigned segment)
{
    switch (segment) {
    case ES:
        return x->mode & MODE_FLAT_ES;
    case CS:
        return x->mode & MODE_FLAT_CS;
    case SS:
        return x->mode & MODE_FLAT_SS;
    case DS:
        return x->mode & MODE_FLAT_DS;
    default:
        return false;
    }
}

bool memory_address(Xlat *x, const Insn *insn, Access access)
{
    unsigned segment = insn->mem.segment;
    bool based = segment == FS || segment == GS;
    bool long_mode = x->mode & MODE_CS64;

    if (insn->mem.vsib || (x->mode & MODE_ALIGN)) {
        return false;
    }
    if (!long_mode) {
        if (segment == CS && access == ACCESS_WRITE) {
            return false; /* #GP: code segments cannot be written */
        }
        if (segment == FS   ? !(x->mode & MODE_OPEN_FS)
            : segment == GS ? !(x->mode & MODE_OPEN_GS)
                            : !segment_is_flat(x, segment)) {
            return false;
        }
    }
    memory_offset(x, insn, T0);
    if (based) {
        emit_load(
            &x->e, 8, T1, HOST_RSP,
            (int32_t)(offsetof(Cpu, seg) + segment * sizeof(Segment) + offsetof(Segment, base)));
        emit_lea(&x->e, long_mode ? 8 : 4, T0, &(Address){ .base = T0, .index = T1, .scale = 1 });
    }
    return true;
}

/* Returns the place of the branch that is taken when the check fails. */
static uint32_t check(Xlat *x, unsigned width, Access access)
{
    Emitter *e = &x->e;
    unsigned context = (x->mode & MODE_AC)                ? MMU_KERNEL_AC
                       : (x->mode & MODE_CPL) == MODE_CPL ? MMU_USER
                                                          : MMU_KERNEL;
    Address tag = { .base = HOST_TLB,
                    .index = T1,
                    .scale = 1,
                    .disp = (int32_t)(context * sizeof(((TlbBank *)0)->set[0])) };
    Address host = tag;
    uint32_t place;

    flags_spoil(x);
    if (x->in->host_bmi2) {
        emit_rorx(e, T1, T0, TLB_INDEX_SHIFT); /* the index is below what comes round */
    } else {
        emit_mov_rr(e, 4, T1, T0);
        emit_shift_ri(e, 4, 5, T1, TLB_INDEX_SHIFT);
    }
    emit_alu_ri(e, 4, ALU_AND, T1, TLB_INDEX_MASK);
    tag.disp += (int32_t)(offsetof(TlbEntry, tag) + access * sizeof(uint64_t));
    emit_op_rm(e, &(Opcode){ .code = ALU_XOR << 3 | 3, .width = 8 }, T0, &tag);
    emit_alu_ri(e, 8, ALU_CMP, T0, PAGE_SIZE - (int32_t)width);
    place = emit_jcc(e, CC_A);
    host.disp += (int32_t)offsetof(TlbEntry, host);
    emit_op_rm(e, &(Opcode){ .code = ALU_ADD << 3 | 3, .width = 8 }, T0, &host);
    return place;
}

void memory_check(Xlat *x, unsigned width, Access access)
{
    uint32_t place = check(x, width, access);
    unsigned i = x->current;

    x->mem_disp = 0;
    if (x->in_copy || x->region_of[i] == 0) {
        late_add(
            x, &(Late){
                   .kind = LATE_SLOW, .place = place, .insn = (uint16_t)i, .in_copy = x->in_copy });
        return;
    }
    if (!x->share[i].checked && x->region[x->region_of[i] - 1].first == i) {
        x->region[x->region_of[i] - 1].saved = x->saved;
    }
    x->share[i].checked = true;
    late_add(x, &(Late){ .kind = LATE_REGION, .place = place, .insn = (uint16_t)i });
}
