/* SPDX-License-Identifier: GPL-2.0-or-later */
/* window.c - accesses through the host-mapped window (Cpu.jit_window): only the chunk of the
 * address is compared, with the one that the slot of this base register was given last. Whether the
 * page is there the host's MMU knows; so every access has a fault point.
 *
 * An access near its base register, without an index, adds the distance between guest and host to
 * the register as it is: its address does not wait for the check. It may leave the chunk, but then
 * hits the guards around it. */
#include "translator/lower.h"
#include <glib.h>

enum { REACH = 32768 }; /* of displacements; guards are as large twice */

static int32_t field(unsigned slot, size_t offset)
{
    return (int32_t)(offsetof(Cpu, jit_window) + slot * sizeof(JitWindow) + offset);
}

/* One for the stack, one for each base register of a block; blocks that share slots lie apart. */
static unsigned slot_of(const Xlat *x, const MemOperand *mem)
{
    if (!(x->mode & MODE_CS64)) {
        return JIT_WINDOW_LOW;
    }
    if (mem->base == RSP) {
        return JIT_WINDOW_STACK;
    }
    return JIT_WINDOW_FREE + (x->in->block * 7 + mem->base) % (JIT_WINDOWS - JIT_WINDOW_FREE);
}

bool window_is_direct(const MemOperand *mem)
{
    return mem->base <= R15 && host_register(mem->base) != IN_MEMORY && mem->index == MEM_NO_REG &&
           ABS(mem->disp) <= REACH;
}

/* Is the host register's chunk the slot's? In 32-bit code also tells a register whose upper half,
 * left by 64-bit code, is not zero: that code's slot has the lowest chunk or none. */
static void compare(Xlat *x, unsigned host, unsigned slot)
{
    Emitter *e = &x->e;

    if (x->in->host_bmi2) {
        emit_rorx(e, 8, T1, host, 32);
    } else {
        emit_mov_rr(e, 8, T1, host);
        emit_shift_ri(e, 8, 5, T1, 32); /* shr */
    }
    emit_alu_rm(e, 4, ALU_CMP, T1, HOST_RSP, field(slot, offsetof(JitWindow, chunk)));
}

static uint8_t base_of(const MemOperand *mem, bool direct)
{
    return direct ? (uint8_t)host_register(mem->base) : HOST_NONE;
}

static void operand_by_base(Xlat *x, const MemOperand *mem)
{
    x->mem_index = (uint8_t)host_register(mem->base);
    x->mem_scale = 1;
    x->mem_disp = (int32_t)mem->disp;
}

void window_operand(Xlat *x, const MemOperand *mem, unsigned width, Access access, bool direct)
{
    unsigned slot = slot_of(x, mem), linear = x->mode & MODE_CS64 ? 8 : 4;
    int32_t delta = field(slot, offsetof(JitWindow, delta));
    Late other = { .kind = LATE_WINDOW,
                   .page = (uint8_t)slot,
                   .insn = (uint16_t)x->current,
                   .width = (uint16_t)width,
                   .access = access,
                   .base = base_of(mem, direct),
                   .target = (int32_t)mem->disp };

    flags_spoil(x);
    x->mem_disp = 0;
    x->mem_index = HOST_NONE;
    if (direct) {
        operand_by_base(x, mem);
        compare(x, x->mem_index, slot);
        other.place = emit_jcc(&x->e, CC_NE);
        emit_load(&x->e, 8, T0, HOST_RSP, delta);
    } else {
        memory_effective(x, mem, T0, linear);
        compare(x, T0, slot);
        other.place = emit_jcc(&x->e, CC_NE);
        emit_alu_rm(&x->e, 8, ALU_ADD, T0, HOST_RSP, delta);
    }
    other.back = x->e.at;
    late_add(x, &other);
}

/* The upper half of a register, which a compare may have failed by, means nothing in 32-bit code,
 * and need not be kept there. */
static void cut_base(Xlat *x, const Late *late)
{
    if (late->base != HOST_NONE && !(x->mode & MODE_CS64)) {
        emit_mov_rr(&x->e, 4, late->base, late->base);
    }
}

/* The address is in another chunk: C is asked for it now and then, otherwise the TLB has it. */
void window_late(Xlat *x, const Late *late)
{
    WindowSite site = { .slot = late->page };
    Address at = { .base = late->base, .index = HOST_NONE, .disp = late->target };
    bool direct = late->base != HOST_NONE;
    Emitter *e = &x->e;
    uint32_t by_tlb;

    x->current = late->insn;
    cut_base(x, late);
    emit_alu_mi(e, 4, ALU_SUB, HOST_RSP, field(late->page, offsetof(JitWindow, patience)), 1);
    by_tlb = emit_jcc(e, CC_NS);
    if (direct) {
        emit_mov_rr(e, 8, T0, late->base);
    }
    stub_call_window(x, &site, x->out->insn_host[late->insn]);
    emit_link(e, by_tlb, e->at);
    if (direct) {
        emit_lea(e, x->mode & MODE_CS64 ? 8 : 4, T0, &at);
    }
    memory_look_up(x, late->width, late->access);
    if (direct) { /* what is added to the base and its displacement */
        emit_alu_rr(e, 8, ALU_SUB, T0, late->base);
        emit_alu_ri(e, 8, ALU_SUB, T0, late->target);
    }
    emit_link(e, emit_jmp(e), late->back);
}

/* ---- Loops ---- */

static int32_t known_field(unsigned page)
{
    return (int32_t)(offsetof(Cpu, jit_page) + page * sizeof(JitPage) + offsetof(JitPage, host));
}

void window_enter(Xlat *x, const MemOperand *mem, unsigned page, bool direct)
{
    unsigned slot = slot_of(x, mem);
    Late other = { .kind = LATE_WINDOW_ENTRY,
                   .page = (uint8_t)slot,
                   .base = base_of(mem, direct),
                   .back = x->e.at };

    if (direct) {
        compare(x, (unsigned)host_register(mem->base), slot);
    } else {
        memory_effective(x, mem, T0, x->mode & MODE_CS64 ? 8 : 4);
        compare(x, T0, slot);
    }
    other.place = emit_jcc(&x->e, CC_NE);
    late_add(x, &other);
    emit_load(&x->e, 8, T0, HOST_RSP, field(slot, offsetof(JitWindow, delta)));
    emit_store(&x->e, 8, HOST_RSP, known_field(page), T0);
}

void window_late_entry(Xlat *x, const Late *late)
{
    WindowSite site = { .slot = late->page, .entry = true };

    cut_base(x, late);
    if (late->base != HOST_NONE) {
        emit_mov_rr(&x->e, 8, T0, late->base);
    }
    stub_call_window(x, &site, late->back);
}

void window_operand_known(Xlat *x, const MemOperand *mem, unsigned page, bool direct)
{
    x->mem_disp = 0;
    x->mem_index = HOST_NONE;
    if (direct) {
        operand_by_base(x, mem);
        emit_load(&x->e, 8, T0, HOST_RSP, known_field(page));
    } else {
        flags_spoil(x);
        memory_effective(x, mem, T0, x->mode & MODE_CS64 ? 8 : 4);
        emit_alu_rm(&x->e, 8, ALU_ADD, T0, HOST_RSP, known_field(page));
    }
}

void window_point(Xlat *x)
{
    if (x->in->window) {
        fault_point(x);
    }
}

/* A lowering that changes anything before it accesses its operand cannot go through the window, nor
 * can one without a fault point there. */
bool window_usable(const Xlat *x, const Insn *insn)
{
    LowerFn lower = insn_rows[insn->mnemonic].lower;

    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind == OPERAND_GPR_HIGH) {
            return false; /* registers are exchanged around it */
        }
    }
    return x->in->window && insn->mem.segment != FS && insn->mem.segment != GS &&
           !segment_bounded(x, insn->mem.segment) &&
           insn->address_width == (x->mode & MODE_CS64 ? 8 : 4) &&
           (lower == lower_identity || lower == lower_mov || lower == lower_incdec ||
            lower == lower_cmps || lower == lower_movs || lower == lower_bt || lower == lower_div ||
            lower == lower_push || lower == lower_pop || lower == lower_jmp || lower == lower_call);
}

void memory_load(Xlat *x, unsigned width, unsigned to)
{
    Address at = memory_at(x);

    window_point(x);
    emit_op_rm(&x->e, &(Opcode){ .code = 0x8b, .width = (uint8_t)width }, to, &at);
}

void memory_store(Xlat *x, unsigned width, unsigned from)
{
    Address at = memory_at(x);

    window_point(x);
    emit_op_rm(&x->e, &(Opcode){ .code = 0x89, .width = (uint8_t)width }, from, &at);
}
