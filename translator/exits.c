/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exits.c - how control leaves a block. */
#include "translator/insn_fixed.h"
#include "translator/translator_int.h"
#include <string.h>

bool flow_chained(const Xlat *x)
{
    return code_is_16(x) ? x->mode & MODE_CODE16 : x->mode & MODE_FLAT_CS;
}

void late_add(Xlat *x, const Late *late)
{
    if (x->n_late == MAX_LATE) {
        x->e.full = true;
        return;
    }
    x->late[x->n_late++] = *late;
}

void late_slow_if(Xlat *x, unsigned cc)
{
    late_add(
        x,
        &(Late){ .kind = LATE_SLOW, .place = emit_jcc(&x->e, cc), .insn = (uint16_t)x->current });
}

_Static_assert(offsetof(Cpu, jit_stub) + JIT_STUBS * sizeof(void *) <= 128,
               "calls with a one-byte displacement");

static void emit_stub_call(Xlat *x, JitStub stub)
{
    emit_call_m(&x->e, HOST_RSP, (int32_t)(offsetof(Cpu, jit_stub) + stub * sizeof(void *)));
}

unsigned translate_site_size(const uint8_t *call)
{
    static const uint8_t sizes[JIT_STUBS] = {
        [JIT_STUB_CALLOUT] = sizeof(CallSite),  [JIT_STUB_CALLOUT_SAVED] = sizeof(CallSite),
        [JIT_STUB_DISPATCH] = sizeof(Site),     [JIT_STUB_LINK] = sizeof(Site),
        [JIT_STUB_INDIRECT] = sizeof(Site),     [JIT_STUB_FAR] = sizeof(FarSite),
        [JIT_STUB_FAR_LINK] = sizeof(FarSite),  [JIT_STUB_FILL] = sizeof(FillSite),
        [JIT_STUB_WINDOW] = sizeof(WindowSite), [JIT_STUB_VECTOR] = sizeof(VectorSite),
    };
    const uint8_t opcode[] = { 0xff, 0x54, 0x24 };
    unsigned stub;

    if (memcmp(call, opcode, sizeof(opcode)) != 0) { /* the only calls by the stack pointer */
        return 0;
    }
    stub = (call[sizeof(opcode)] - (unsigned)offsetof(Cpu, jit_stub)) / (unsigned)sizeof(void *);
    return stub < JIT_STUBS ? sizes[stub] : 0;
}

void stub_call(Xlat *x, JitStub stub, const Site *site)
{
    emit_stub_call(x, stub);
    emit_bytes(&x->e, (const uint8_t *)site, sizeof(*site));
}

void stub_call_window(Xlat *x, WindowSite *site, uint32_t retry)
{
    emit_stub_call(x, JIT_STUB_WINDOW);
    site->page_offset = x->offset[0];
    site->vector = x->vector;
    site->retry = (int16_t)(retry - x->e.at);
    emit_bytes(&x->e, (const uint8_t *)site, sizeof(*site));
}

static void emit_callout(Xlat *x, JitStub stub, const CallSite *site)
{
    emit_stub_call(x, stub);
    emit_bytes(&x->e, (const uint8_t *)site, sizeof(*site));
}

static uint16_t call_site_offset(const Xlat *x, unsigned i, bool last)
{
    return (uint16_t)(x->offset[i] | (last ? CALL_SITE_LAST : 0) |
                      (x->vector ? CALL_SITE_VECTOR : 0));
}

void callout(Xlat *x, const Insn *insn)
{
    bool last = insn_ends_block(insn) || !x->plain[x->current];
    CallSite site = {
        .page_offset = call_site_offset(x, x->current, last),
        .fixed = x->plain[x->current] && flow_chained(x) && !code_is_16(x)
                     ? (uint8_t)insn_fixed_number(insn)
                     : 0,
        .resume = sizeof(CallSite),
    };

    emit_callout(x, x->in_host ? JIT_STUB_CALLOUT : JIT_STUB_CALLOUT_SAVED, &site);
    x->in_host = true;
    x->saved = true;
    x->ended = last;
}

/* NOPs, so that the displacement behind an opcode of so many bytes can be patched in one store. */
static void align_displacement(Xlat *x, unsigned opcode)
{
    static const uint8_t nops[4][3] = { { 0 }, { 0x90 }, { 0x66, 0x90 }, { 0x0f, 0x1f, 0x00 } };
    unsigned n = -(x->e.at + opcode) & 3;

    if (x->in->patched_alive) {
        emit_bytes(&x->e, nops[n], n);
    }
}

uint32_t exit_jmp(Xlat *x)
{
    align_displacement(x, 1);
    return emit_jmp(&x->e);
}

static uint32_t exit_jcc(Xlat *x, unsigned cc)
{
    align_displacement(x, 2);
    return emit_jcc(&x->e, cc);
}

/* T1 = the entry that the rip in T0 has in the indirect-branch cache (ibtc_place); the branch is
 * taken if the entry is another's. */
static uint32_t ibtc_look_up(Xlat *x)
{
    Emitter *e = &x->e;

    if (x->in->host_bmi2) {
        emit_rorx(e, 4, T1, T0, 32 - IBTC_ENTRY_SHIFT); /* what comes round is masked out */
    } else {
        emit_mov_rr(e, 4, T1, T0);
        emit_shift_ri(e, 4, 4, T1, IBTC_ENTRY_SHIFT);
    }
    emit_alu_rr(e, 4, ALU_XOR, T1, T0);
    emit_alu_ri(e, 4, ALU_AND, T1, IBTC_MASK);
    emit_alu_rm(e, 8, ALU_ADD, T1, HOST_RSP, offsetof(Cpu, jit_ibtc));
    emit_alu_rm(e, 8, ALU_CMP, T0, T1, offsetof(IbtcEntry, rip));
    return emit_jcc(e, CC_NE);
}

static const Address ibtc_host = { .base = T1,
                                   .index = HOST_NONE,
                                   .disp = offsetof(IbtcEntry, host) };

static void indirect_look_up(Xlat *x)
{
    flags_need_saved(x);
    late_add(
        x,
        &(Late){ .kind = LATE_MISS, .place = ibtc_look_up(x), .page_offset = x->offset[x->n - 1] });
}

void exit_indirect(Xlat *x)
{
    indirect_look_up(x);
    emit_jmp_m(&x->e, &ibtc_host);
}

/* By way of the stack below the Cpu, which is free in translated code. */
void exit_return(Xlat *x)
{
    if (!x->in->host_returns || code_is_16(x)) {
        exit_indirect(x);
        return;
    }
    indirect_look_up(x);
    emit_push_m(&x->e, &ibtc_host);
    emit_ret(&x->e);
}

void exit_indirect_look_up(Xlat *x)
{
    Emitter *e = &x->e;

    flags_spoil(x);
    late_add(x,
             &(Late){ .kind = LATE_SLOW, .place = ibtc_look_up(x), .insn = (uint16_t)x->current });
    emit_load_from(e, T1, &ibtc_host);
    emit_store(e, 8, HOST_RSP, offsetof(Cpu, jit_save), T0);
    emit_store(e, 8, HOST_RSP, offsetof(Cpu, jit_target), T1);
}

void exit_indirect_looked_up(Xlat *x)
{
    flags_need_saved(x);
    emit_load(&x->e, 8, T0, HOST_RSP, offsetof(Cpu, jit_save));
    emit_jmp_m(
        &x->e,
        &(Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = offsetof(Cpu, jit_target) });
}

static BlockExit *exit_new(Xlat *x, uint8_t *n)
{
    *n = 0;
    while (*n < BLOCK_MAX_EXITS - 1 && x->out->exit[*n].place != 0) {
        ++*n;
    }
    return &x->out->exit[*n];
}

/* The host's return address serves the prediction only: it goes at once. */
void exit_call(Xlat *x)
{
    int32_t target = x->offset[x->n];
    uint32_t called, place;
    uint8_t n;

    if (!x->in->host_returns || target >= PAGE_SIZE || code_is_16(x)) {
        return;
    }
    called = emit_call(&x->e);
    place = emit_jmp(&x->e);
    *exit_new(x, &n) = (BlockExit){ .place = (uint16_t)place, .target = target, .returns = true };
    late_add(x, &(Late){ .kind = LATE_RETURN,
                         .place = place,
                         .exit = n,
                         .page_offset = x->offset[x->n - 1] });
    emit_link(&x->e, called, x->e.at);
    emit_lea(&x->e, 8, HOST_RSP,
             &(Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = sizeof(uint64_t) });
}

/* T0 = rip of a far target. */
static void far_target(Xlat *x, int32_t target)
{
    emit_load(&x->e, 8, T0, HOST_RSP, offsetof(Cpu, code_base));
    emit_lea(&x->e, x->mode & MODE_CS64 ? 8 : 4, T0,
             &(Address){ .base = T0, .index = HOST_NONE, .disp = target });
}

static void exit_far(Xlat *x, int32_t target)
{
    Emitter *e = &x->e;
    uint8_t n;
    BlockExit *out;
    uint32_t guard;

    if (code_is_16(x)) {
        exit_far16(x, target);
        return;
    }
    out = exit_new(x, &n);
    *out = (BlockExit){ .target = target, .far = true };
    flags_need_saved(x);
    emit_load(e, 8, T0, HOST_RSP, offsetof(Cpu, code_base));
    emit_alu_rm(e, 8, ALU_XOR, T0, HOST_RSP, offsetof(Cpu, jit_salt));
    guard = emit_alu_literal(e, ALU_CMP, T0);
    out->miss_place = (uint16_t)exit_jcc(x, CC_NE);
    emit_alu_mi(e, x->mode & MODE_CS64 ? 8 : 4, ALU_ADD, HOST_RSP, offsetof(Cpu, code_base),
                target & ~(PAGE_SIZE - 1));
    out->place = (uint16_t)exit_jmp(x);
    late_add(x, &(Late){ .kind = LATE_FAR_MISS, .place = guard, .exit = n });
}

static void exit_link(Xlat *x, uint32_t place, int32_t target)
{
    uint8_t n;

    *exit_new(x, &n) = (BlockExit){
        .place = (uint16_t)place,
        .target = target,
        .backward = target <= x->offset[x->current],
    };
    late_add(
        x,
        &(Late){ .kind = LATE_LINK, .place = place, .exit = n, .page_offset = (uint16_t)target });
}

void exit_always_by_branch(Xlat *x, uint32_t place, int32_t target)
{
    if (flow_near(x, target)) {
        exit_link(x, place, target);
    } else {
        late_add(x, &(Late){ .kind = LATE_FAR,
                             .place = place,
                             .target = target,
                             .in_host = x->in_host,
                             .saved = x->saved });
    }
}

void exit_direct(Xlat *x, int32_t target, int cc)
{
    bool near = flow_near(x, target);

    if (near && x->live_in[x->n] != 0) {
        flags_need_host(x);
    }
    if (cc >= 0) {
        exit_always_by_branch(x, exit_jcc(x, (unsigned)cc), target);
    } else if (near) {
        exit_link(x, exit_jmp(x), target);
    } else {
        exit_far(x, target);
    }
}

static void late_slow(Xlat *x, const Late *late)
{
    /* one that crosses into another page may be another by now, and of another length */
    bool last = (late->insn == x->n - 1u && x->ended) || x->in->crossing != NULL;
    CallSite site = {
        .page_offset = call_site_offset(x, late->insn, last),
    };

    emit_stub_call(x, JIT_STUB_CALLOUT_SAVED);
    if (!last) {
        site.resume = (int16_t)(x->out->insn_host[late->insn + 1] - x->e.at);
    }
    emit_bytes(&x->e, (const uint8_t *)&site, sizeof(site));
}

/* A check in a region has failed: the TLB is filled and the instruction begins again. */
static void late_fill(Xlat *x, const Late *late)
{
    const Region *region = &x->region[x->region_of[late->insn] - 1];
    bool ends = region->last == x->n - 1 && x->ended;
    bool writes = x->share[late->insn].member ? share_writes(x, late->insn)
                                              : late->access == ACCESS_WRITE;
    FillSite site = {
        .page_offset = x->offset[late->insn],
        .width = late->width,
        .access = (uint8_t)late->access,
        .own = writes ? ACCESS_WRITE : ACCESS_READ,
        .insns = (uint8_t)(region->last - late->insn + 1),
        .vector = x->vector,
    };
    uint32_t record;

    memory_restore_address(x, late->access);
    emit_stub_call(x, JIT_STUB_FILL);
    record = x->e.at;
    site.retry = (int16_t)(x->out->insn_host[late->insn] - record);
    site.next = ends ? 0 : (int16_t)(x->out->insn_host[region->last + 1] - record);
    emit_bytes(&x->e, (const uint8_t *)&site, sizeof(site));
}

static void late_far(Xlat *x, const Late *late)
{
    x->in_host = late->in_host;
    x->saved = late->saved;
    exit_far(x, late->target);
}

static void far_call(Xlat *x, JitStub stub, const FarSite *site)
{
    emit_stub_call(x, stub);
    emit_bytes(&x->e, (const uint8_t *)site, sizeof(*site));
}

/* The guard, and the ways on where it differs. */
static void late_far_miss(Xlat *x, const Late *late)
{
    BlockExit *out = &x->out->exit[late->exit];
    FarSite site = {
        .site = { .page_offset = x->offset[x->n - 1], .exit = late->exit, .far = true },
        .target = out->target,
    };
    Emitter *e = &x->e;

    while (x->in->patched_alive && e->at % sizeof(uint64_t) != 0) {
        emit_u8(e, 0);
    }
    emit_link(e, late->place, e->at);
    out->guard = (uint16_t)e->at;
    emit_u64(e, (uint64_t)GUARD_UNLINKED);
    out->unlinked = (uint16_t)e->at;
    far_call(x, JIT_STUB_FAR_LINK, &site);
    out->miss = (uint16_t)e->at;
    far_call(x, JIT_STUB_FAR, &site);
    emit_link(e, out->miss_place, out->unlinked);
    emit_link(e, out->place, out->unlinked);
}

/* An entry with the flags in the host's, of a block whose body begins with them saved. */
static uint32_t entry_saving(Xlat *x, uint32_t to)
{
    uint32_t entry = x->e.at;

    x->saved = false;
    flags_need_saved(x);
    emit_link(&x->e, emit_jmp(&x->e), to);
    return entry;
}

static void late_entry(Xlat *x)
{
    x->out->loop_entry = entry_saving(x, x->out->saved_entry);
    x->out->outer_entry = x->out->loop_entry;
    x->out->main_entry = entry_saving(x, x->loop_start);
}

/* Emits the out-of-line parts; one part may add another. */
void late_emit(Xlat *x)
{
    for (unsigned i = 0; i < x->n_late; i++) {
        const Late *late = &x->late[i];
        Site site = { .page_offset = late->page_offset, .exit = late->exit };

        if (late->kind != LATE_ENTRY && late->kind != LATE_OUTER) {
            emit_link(&x->e, late->place, x->e.at);
        }
        switch (late->kind) {
        case LATE_SLOW:
            late_slow(x, late);
            break;
        case LATE_REFILL:
            memory_refill_page(x, late);
            break;
        case LATE_FILL:
            late_fill(x, late);
            break;
        case LATE_WINDOW:
            window_late(x, late);
            break;
        case LATE_WINDOW_ENTRY:
            window_late_entry(x, late);
            break;
        case LATE_ENTRY:
            late_entry(x);
            break;
        case LATE_VECTOR:
            vector_late(x, late);
            break;
        case LATE_OUTER:
            vector_late_outer(x);
            break;
        case LATE_DISPATCH:
            stub_call(x, JIT_STUB_DISPATCH, &site);
            break;
        case LATE_DISPATCH_SAVED:
            far_target(x, late->page_offset);
            stub_call(x, JIT_STUB_INDIRECT, &site);
            break;
        case LATE_LINK:
            x->out->exit[late->exit].unlinked = (uint16_t)x->e.at;
            stub_call(x, JIT_STUB_LINK, &site);
            break;
        case LATE_RETURN:
            x->out->exit[late->exit].unlinked = (uint16_t)x->e.at;
            stub_call(x, JIT_STUB_INDIRECT, &site);
            break;
        case LATE_FAR:
            late_far(x, late);
            break;
        case LATE_FAR_MISS:
            late_far_miss(x, late);
            break;
        case LATE_MISS:
            stub_call(x, JIT_STUB_INDIRECT, &site);
            break;
        }
    }
}
