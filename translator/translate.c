/* SPDX-License-Identifier: GPL-2.0-or-later */
/* translate.c - a block from its stages: scan, annotate, entries, body, out-of-line parts. */
#include "translator/lower.h"
#include <string.h>

#define lower_callout NULL
const InsnRow insn_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define INSN(mnemonic, exec, lowering, written, read)                                              \
    [ZYDIS_MNEMONIC_##mnemonic] = { lower_##lowering, written, read },
#include "translator/insns.def"
#undef INSN
};

/* Cpu.attention without spoiling host flags: JECXZ is the one branch that needs none. */
static void check_request_flagless(Xlat *x)
{
    Emitter *e = &x->e;

    emit_mov_rr(e, 8, T1, HOST_RCX);
    emit_load(e, 4, HOST_RCX, HOST_RSP, offsetof(Cpu, attention));
    emit_u8(e, 0x67);
    emit_u8(e, 0xe3); /* jecxz over the exit */
    emit_u8(e, 8);
    emit_mov_rr(e, 8, HOST_RCX, T1);
    late_add(x,
             &(Late){ .kind = LATE_DISPATCH, .place = emit_jmp(e), .page_offset = x->offset[0] });
    emit_mov_rr(e, 8, HOST_RCX, T1);
}

/* `kind`: LATE_DISPATCH, or LATE_DISPATCH_SAVED with the guest's flags in Cpu.jit_flags. */
static void check_request(Xlat *x, LateKind kind)
{
    emit_alu_mi(&x->e, 4, ALU_CMP, HOST_RSP, offsetof(Cpu, attention), 0);
    late_add(x,
             &(Late){ .kind = kind, .place = emit_jcc(&x->e, CC_NE), .page_offset = x->offset[0] });
}

static void check_attention(Xlat *x)
{
    if (x->live_in[0] != 0) {
        check_request_flagless(x);
    } else {
        check_request(x, LATE_DISPATCH);
    }
}

/* The body begins with the flags in jit_flags, where indirect branches leave them; whoever comes
 * with them in the host's takes a way round (LATE_ENTRY). */
static void entries_saved(Xlat *x)
{
    x->out->saved_entry = x->e.at;
    if (x->vector) {
        vector_check(x);
    }
    check_request(x, LATE_DISPATCH_SAVED);
    x->loop_start = x->e.at;
    late_add(x, &(Late){ .kind = LATE_ENTRY });
    x->in_host = false;
    x->saved = true;
}

static void set_code_base(Xlat *x)
{
    Emitter *e = &x->e;

    if (code_is_16(x)) { /* rip in T0 stands with what else an entry is known by */
        emit_op_rm(
            e, &(Opcode){ .code = 0xc7, .width = 8 }, 0, /* mov */
            &(Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = offsetof(Cpu, code_base) });
        emit_u32(e, (uint32_t)x->in->ip_base);
        return;
    }
    emit_lea(e, 8, T0,
             &(Address){ .base = T0, .index = HOST_NONE, .disp = -(int32_t)x->offset[0] });
    emit_store(e, 8, HOST_RSP, offsetof(Cpu, code_base), T0);
}

static void entries(Xlat *x)
{
    Emitter *e = &x->e;

    set_code_base(x);
    if (x->n_pages == 0 && flags_pass_through(x)) {
        entries_saved(x);
        return;
    }
    x->out->saved_entry = e->at;
    if (x->vector) {
        x->out->outer_entry = e->at;
        vector_check(x);
    }
    if (x->live_in[0] != 0) {
        x->in_host = false;
        flags_need_host(x);
        if (x->vector) {
            late_add(x, &(Late){ .kind = LATE_OUTER });
        }
    }
    x->out->loop_entry = e->at;
    if (x->n_pages != 0) { /* the check is part of the loop */
        x->out->main_entry = e->at;
        share_enter_loop(x);
        x->loop_start = e->at;
        check_attention(x);
    } else {
        check_attention(x);
        x->out->main_entry = e->at;
    }
    x->in_host = true;
    x->saved = false;
}

static void late_if_other(Xlat *x)
{
    late_add(x, &(Late){ .kind = LATE_SLOW, .place = emit_jcc(&x->e, CC_NE), .insn = 0 });
}

/* Up to eight bytes at [T0], of which eight can be read. */
static void compare_few(Xlat *x, const uint8_t *bytes, unsigned n)
{
    uint64_t expected = 0;
    Emitter *e = &x->e;

    memcpy(&expected, bytes, n);
    emit_load(e, 8, T0, T0, 0);
    if (n < 8) {
        emit_shift_ri(e, 8, 4, T0, 64 - n * 8);
        expected <<= 64 - n * 8;
    }
    emit_mov_ri(e, T1, (int64_t)expected);
    emit_op_rr(e, &(Opcode){ .code = 0x3b, .width = 8 }, T0, T1); /* cmp */
    late_if_other(x);
}

static void compare_eight(Xlat *x, const uint8_t *bytes, unsigned at)
{
    Address from = { .base = T0, .index = HOST_NONE, .disp = (int32_t)at };
    uint64_t expected;

    memcpy(&expected, bytes + at, 8);
    emit_mov_ri(&x->e, T1, (int64_t)expected);
    emit_op_rm(&x->e, &(Opcode){ .code = 0x3b, .width = 8 }, T1, &from); /* cmp */
    late_if_other(x);
}

/* The bytes of a page-crossing instruction that are in the next page must be as they were. */
static void check_crossing(Xlat *x)
{
    const Insn *insn = &x->insn[0];
    unsigned left = PAGE_SIZE - x->offset[0], n = insn->length - left;
    Emitter *e = &x->e;

    if (code_is_16(x)) {
        emit_mov_ri(e, T0, x->in->cs_base + (uint32_t)x->in->ip_base + PAGE_SIZE);
    } else {
        emit_load(e, 8, T0, HOST_RSP, offsetof(Cpu, code_base));
        emit_lea(e, x->mode & MODE_CS64 ? 8 : 4, T0,
                 &(Address){ .base = T0, .index = HOST_NONE, .disp = PAGE_SIZE });
    }
    memory_check(x, n > 8 ? n : 8, ACCESS_FETCH);
    if (n > 8) {
        compare_eight(x, insn->bytes + left, 0);
        compare_eight(x, insn->bytes + left, n - 8);
    } else {
        compare_few(x, insn->bytes + left, n);
    }
}

static bool called_out(const Xlat *x, const Insn *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_PAUSE && x->in->pause_calls;
}

void lower_insn(Xlat *x, unsigned i)
{
    const Insn *insn = &x->insn[i];
    LowerFn lower = insn_rows[insn->mnemonic].lower;

    x->current = i;
    x->mem_disp = 0;
    x->mem_index = HOST_NONE;
    if (lower == NULL || !x->plain[i] || called_out(x, insn) || !lower(x, insn)) {
        share_break(x, i);
        x->pages_lost = true;
        x->out->note[i].callout = true;
        callout(x, insn);
    }
}

static void body(Xlat *x)
{
    if (x->in->crossing != NULL) {
        check_crossing(x);
    }
    for (unsigned i = 0; i < x->n; i++) {
        x->out->insn_host[i] = (uint16_t)x->e.at;
        x->out->insn_page_offset[i] = x->offset[i];
        x->out->note[i].callout = false;
        lower_insn(x, i);
    }
    x->out->insn_host[x->n] = (uint16_t)x->e.at;
    x->out->insn_page_offset[x->n] = x->offset[x->n];
}

/* For dumps. */
static void output_notes(Xlat *x)
{
    for (unsigned i = 0; i < x->n; i++) {
        x->out->note[i].live_in = x->live_in[i];
        x->out->note[i].group = x->share[i].member ? (uint8_t)(x->share[i].range + 1) : 0;
    }
}

/* The block was cut short of a control transfer: on to the next instruction. */
static void fall_through(Xlat *x)
{
    Site site = { .page_offset = x->offset[x->n] };

    if (x->ended) {
        return;
    }
    if (flow_chained(x)) {
        exit_direct(x, x->offset[x->n], -1);
    } else {
        flags_need_host(x);
        stub_call(x, JIT_STUB_DISPATCH, &site);
    }
}

bool translate_block(const TranslateInput *in, TranslateOutput *out)
{
    Xlat x;

    x.e = (Emitter){ .start = in->code, .size = BLOCK_MAX_HOST };
    x.in = in;
    x.out = out;
    x.mode = in->mode;
    x.current = 0;
    x.in_host = true;
    x.saved = false;
    x.ended = false;
    x.n_late = 0;
    x.vector = false;
    memset(out->exit, 0, sizeof(out->exit));
    out->n_faults = 0;
    out->chunks = 0;
    scan_block(&x);
    if (x.n == 0 || (in->crossing != NULL && !flow_chained(&x))) {
        return false;
    }
    annotate_flags(&x);
    share_plan(&x);
    entries(&x);
    body(&x);
    fall_through(&x);
    late_emit(&x);
    out->host_size = x.e.at;
    out->guest_size = (uint16_t)(x.offset[x.n] - x.offset[0]);
    out->insns = (uint16_t)x.n;
    out->live_out = x.live_in[x.n];
    out->vector = x.vector;
    output_notes(&x);
    return !x.e.full;
}
