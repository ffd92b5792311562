/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory.c - effective addresses and the inline look-up in the soft MMU's TLB (cpu.h). */
#include "translator/translator_int.h"

enum { PREFIX_GS = 0x65 };

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
    if (a.index == HOST_NONE && a.disp == 0) {
        emit_mov_rr(&x->e, width, to, a.base);
    } else {
        emit_lea(&x->e, width, to, &a);
    }
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

/* Of the mode: reached without a check, and with one. */
static uint32_t segment_flat(unsigned segment)
{
    static const uint32_t flat[] = {
        [ES] = MODE_FLAT_ES, [CS] = MODE_FLAT_CS, [SS] = MODE_FLAT_SS,
        [DS] = MODE_FLAT_DS, [FS] = MODE_OPEN_FS, [GS] = MODE_OPEN_GS,
    };

    return flat[segment];
}

static uint32_t segment_data(unsigned segment)
{
    static const uint32_t data[] = {
        [ES] = MODE_DATA_ES, [CS] = MODE_CODE16,  [SS] = MODE_DATA_SS,
        [DS] = MODE_DATA_DS, [FS] = MODE_DATA_FS, [GS] = MODE_DATA_GS,
    };

    return data[segment];
}

bool segment_bounded(const Xlat *x, unsigned segment)
{
    return !(x->mode & (MODE_CS64 | segment_flat(segment)));
}

bool segment_reaches(const Xlat *x, unsigned segment, Access access)
{
    if (x->mode & MODE_ALIGN) {
        return false;
    }
    if (x->mode & MODE_CS64) {
        return true;
    }
    if (segment == CS && access == ACCESS_WRITE) {
        return false; /* #GP: code segments cannot be written */
    }
    return x->mode & (segment_flat(segment) | segment_data(segment));
}

bool memory_reaches(const Xlat *x, const Insn *insn, Access access)
{
    return !insn->mem.vsib && segment_reaches(x, insn->mem.segment, access);
}

/* T0 = an offset from which on so many bytes are inside the limit. */
static void limit_check(Xlat *x, unsigned segment, unsigned width, unsigned address_width)
{
    int32_t limit = segment_field(segment, offsetof(Segment, limit));
    Emitter *e = &x->e;

    if (segments_are_real(x) || segment == CS) { /* 64 KiB */
        if (width == 1 && address_width == 2) {
            return;
        }
        emit_alu_ri(e, 4, ALU_CMP, T0, 0x10000 - (int32_t)width);
        late_slow_if(x, CC_A);
    } else if (width == 1) {
        emit_alu_rm(e, 4, ALU_CMP, T0, HOST_RSP, limit);
        late_slow_if(x, CC_A);
    } else {
        emit_load(e, 4, T1, HOST_RSP, limit);
        emit_alu_ri(e, 8, ALU_SUB, T1, (int32_t)width - 1);
        emit_alu_rr(e, 8, ALU_CMP, T1, T0);
        late_slow_if(x, CC_L);
    }
}

void segment_address(Xlat *x, unsigned segment, unsigned width, unsigned address_width)
{
    int32_t base = segment_field(segment, offsetof(Segment, base));

    if (segment_bounded(x, segment)) {
        flags_spoil(x);
        limit_check(x, segment, width, address_width);
        emit_alu_rm(&x->e, 4, ALU_ADD, T0, HOST_RSP, base);
    } else if (segment == FS || segment == GS) {
        emit_load(&x->e, 8, T1, HOST_RSP, base);
        emit_lea(&x->e, x->mode & MODE_CS64 ? 8 : 4, T0,
                 &(Address){ .base = T0, .index = T1, .scale = 1 });
    }
}

bool memory_address(Xlat *x, const Insn *insn, unsigned width, Access access)
{
    if (!memory_reaches(x, insn, access)) {
        return false;
    }
    memory_offset(x, insn, T0);
    segment_address(x, insn->mem.segment, width, insn->address_width);
    return true;
}

/* The TLB entry that T1 selects, one of its fields: to be accessed through GS. */
static Address entry_field(const Xlat *x, size_t field)
{
    unsigned context = (x->mode & MODE_AC)                ? MMU_KERNEL_AC
                       : (x->mode & MODE_CPL) == MODE_CPL ? MMU_USER
                                                          : MMU_KERNEL;
    int32_t set = (int32_t)(context * sizeof(((TlbBank *)0)->set[0]));

    return (Address){ .base = T1, .index = HOST_NONE, .disp = set + (int32_t)field };
}

static Address entry_tag(const Xlat *x, Access access)
{
    return entry_field(x, offsetof(TlbEntry, tag) + access * sizeof(uint64_t));
}

static void alu_t0(Xlat *x, Alu alu, const Address *address)
{
    if (address->base == T1) { /* of the TLB */
        emit_u8(&x->e, PREFIX_GS);
    }
    emit_op_rm(&x->e, &(Opcode){ .code = (uint8_t)(alu << 3 | 3), .width = 8 }, T0, address);
}

/* T1 selects the entry, T0 becomes the offset in its page; the branch is taken if it is none. */
static uint32_t tlb_compare(Xlat *x, unsigned width, Access access)
{
    Emitter *e = &x->e;
    Address tag = entry_tag(x, access);

    if (x->in->host_bmi2) {
        emit_rorx(e, 4, T1, T0, TLB_INDEX_SHIFT); /* the index is below what comes round */
    } else {
        emit_mov_rr(e, 4, T1, T0);
        emit_shift_ri(e, 4, 5, T1, TLB_INDEX_SHIFT);
    }
    emit_alu_ri(e, 4, ALU_AND, T1, TLB_INDEX_MASK);
    alu_t0(x, ALU_XOR, &tag);
    emit_alu_ri(e, 8, ALU_CMP, T0, PAGE_SIZE - (int32_t)width);
    return emit_jcc(e, CC_A);
}

/* The look-up has failed with a branch at `place`. */
static void check_failed(Xlat *x, uint32_t place, unsigned width, Access access)
{
    late_add(x, &(Late){ .kind = x->region_of[x->current] != 0 ? LATE_FILL : LATE_SLOW,
                         .place = place,
                         .width = (uint16_t)width,
                         .access = access,
                         .insn = (uint16_t)x->current });
}

void memory_restore_address(Xlat *x, Access access)
{
    Address tag = entry_tag(x, access);

    alu_t0(x, ALU_XOR, &tag);
}

static void operand_is_t0(Xlat *x)
{
    x->mem_disp = 0;
    x->mem_index = HOST_NONE;
}

void memory_look_up(Xlat *x, unsigned width, Access access)
{
    Address host = entry_field(x, offsetof(TlbEntry, host));

    check_failed(x, tlb_compare(x, width, access), width, access);
    alu_t0(x, ALU_ADD, &host);
}

void memory_check(Xlat *x, unsigned width, Access access)
{
    flags_spoil(x);
    memory_look_up(x, width, access);
    operand_is_t0(x);
}

Address memory_at(const Xlat *x)
{
    return (
        Address){ .base = T0, .index = x->mem_index, .scale = x->mem_scale, .disp = x->mem_disp };
}

/* ---- Pages that loops remember ---- */

static Address page_field(unsigned slot, size_t field)
{
    return (Address){ .base = HOST_RSP,
                      .index = HOST_NONE,
                      .disp = (int32_t)(offsetof(Cpu, jit_page) + slot * sizeof(JitPage) + field) };
}

void memory_check_page(Xlat *x, unsigned width, Access access, unsigned slot)
{
    Address tag = page_field(slot, offsetof(JitPage, tag));
    Address host = page_field(slot, offsetof(JitPage, host));
    Late refill = { .kind = LATE_REFILL,
                    .page = (uint8_t)slot,
                    .insn = (uint16_t)x->current,
                    .width = (uint16_t)width,
                    .access = access };

    flags_spoil(x);
    alu_t0(x, ALU_XOR, &tag);
    emit_alu_ri(&x->e, 8, ALU_CMP, T0, PAGE_SIZE - (int32_t)width);
    refill.place = emit_jcc(&x->e, CC_A);
    alu_t0(x, ALU_ADD, &host);
    refill.back = x->e.at;
    late_add(x, &refill);
    operand_is_t0(x);
}

/* A field of the slot from one of the TLB entry, through T0. */
static void refill_field(Xlat *x, const Address *to, const Address *from)
{
    emit_u8(&x->e, PREFIX_GS);
    emit_load_from(&x->e, T0, from);
    emit_store(&x->e, 8, HOST_RSP, to->disp, T0);
}

void memory_refill_page(Xlat *x, const Late *late)
{
    Emitter *e = &x->e;
    Address tag = page_field(late->page, offsetof(JitPage, tag));
    Address host = page_field(late->page, offsetof(JitPage, host));
    Address tlb_tag = entry_tag(x, late->access);
    Address tlb_host = entry_field(x, offsetof(TlbEntry, host));

    x->current = late->insn;
    alu_t0(x, ALU_XOR, &tag); /* the linear address again */
    check_failed(x, tlb_compare(x, late->width, late->access), late->width, late->access);
    alu_t0(x, ALU_ADD, &tlb_host);
    emit_store(e, 8, HOST_RSP, offsetof(Cpu, jit_save), T0);
    refill_field(x, &tag, &tlb_tag);
    refill_field(x, &host, &tlb_host);
    emit_load(e, 8, T0, HOST_RSP, offsetof(Cpu, jit_save));
    emit_link(e, emit_jmp(e), late->back);
}
