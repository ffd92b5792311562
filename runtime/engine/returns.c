/* SPDX-License-Identifier: GPL-2.0-or-later */
/* returns.c - where translated code comes back to C (stubs.S), and what it wanted. Compiled with
 * -mgeneral-regs-only: the guest's vector state stays in the host's registers. */
#include "runtime/engine/dispatch_int.h"
#include "runtime/cpu/cpu_offsets.h"
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "runtime/software_cpu/thunk.h"

_Static_assert(offsetof(Cpu, code_base) == CPU_CODE_BASE, "stubs.S");
_Static_assert(offsetof(Cpu, jit_flags) == CPU_JIT_FLAGS, "stubs.S");
_Static_assert(offsetof(Cpu, jit_ibtc) == CPU_JIT_IBTC, "stubs.S");
_Static_assert(offsetof(Cpu, jit_save) == CPU_JIT_SAVE, "stubs.S");
_Static_assert(offsetof(Cpu, mode) == CPU_MODE, "stubs.S");
_Static_assert(offsetof(Cpu, tlb) == CPU_TLB, "stubs.S");
_Static_assert(offsetof(Cpu, gpr) == CPU_GPR, "stubs.S");
_Static_assert(offsetof(Cpu, rip) == CPU_RIP, "stubs.S");
_Static_assert(offsetof(Cpu, host_rsp) == CPU_HOST_RSP, "stubs.S");
_Static_assert(offsetof(Cpu, host_gs) == CPU_HOST_GS, "stubs.S");
_Static_assert(offsetof(Cpu, wrgsbase) == CPU_WRGSBASE, "stubs.S");
_Static_assert(offsetof(Cpu, jit_far) == CPU_JIT_FAR, "stubs.S");
_Static_assert(offsetof(FarSite, target) == FAR_SITE_TARGET, "stubs.S");
_Static_assert(MODE_CS64 == IN_CODE_64, "stubs.S");
_Static_assert(IBTC_ENTRY_SHIFT == IBTC_SHIFT && IBTC_MASK == IBTC_PLACES, "stubs.S");
_Static_assert(offsetof(IbtcEntry, rip) == 0 && offsetof(IbtcEntry, host) == 8, "stubs.S");

static void rip_from_site(Cpu *cpu, unsigned page_offset)
{
    cpu->rip = cpu->code_base + page_offset;
    if (!(cpu->mode & MODE_CS64)) {
        cpu->rip = (uint32_t)cpu->rip;
    }
}

/* Did the instruction wait for another CPU, which is to run now? A MWAIT that does halts. */
static bool gives_way(const Cpu *cpu, const Insn *insn)
{
    return (insn->mnemonic == ZYDIS_MNEMONIC_PAUSE || insn->mnemonic == ZYDIS_MNEMONIC_MWAIT) &&
           turn_spins(&cpu->engine->turn, &cpu->engine_cpu->place);
}

/* The instruction at CS:RIP on the software CPU; NULL: fetching it has raised cpu->fault. false if
 * the block must not go on behind it. */
static bool execute(Cpu *cpu, const Insn *insn)
{
    Engine *engine = cpu->engine;
    uint64_t space = cpu_code_space(cpu), generation = engine->generation, rip = cpu->rip;
    uint32_t mode = cpu->mode;
    Step step = STEP_FAULT;

    cpu->engine_cpu->stats.callouts++;
    if (insn != NULL) {
        cpu->engine_cpu->callout_counts[insn->mnemonic]++;
        do {
            step = software_cpu_exec(cpu, insn);
        } while (step == STEP_AGAIN && dispatch_held(engine));
    }
    if (dispatch_held(engine)) { /* nothing is let in: the block is compared at its end */
        if (step == STEP_FAULT) {
            verify_faulted(engine);
        }
        return step == STEP_NEXT && engine->generation == generation;
    }
    if (step == STEP_FAULT) {
        exception_deliver(cpu);
        if (engine->traced & LOG_INT) {
            engine_trace_fault(cpu, rip);
        }
        return false;
    }
    return step == STEP_NEXT && cpu->mode == mode && cpu_code_space(cpu) == space &&
           engine->generation == generation && dispatch_quiet(cpu) && cpu->shadow == SHADOW_NONE &&
           !cpu->halted && !gives_way(cpu, insn);
}

static bool execute_here(Cpu *cpu)
{
    return execute(cpu, software_cpu_fetch(cpu));
}

const void *engine_callout(Cpu *cpu, const CallSite *site)
{
    bool last = site->page_offset & CALL_SITE_LAST;
    unsigned fixed = site->fixed;
    const void *resume = (const uint8_t *)site + site->resume;

    flags_from_jit(cpu);
    rip_from_site(cpu, site->page_offset & (PAGE_SIZE - 1));
    if (execute(cpu, fixed != 0 ? &cpu->engine->fixed[cpu->mode & MODE_CS64 ? 1 : 0][fixed]
                                : software_cpu_fetch(cpu)) &&
        !last) {
        flags_to_jit(cpu);
        if (site->page_offset & CALL_SITE_VECTOR) {
            cpu_vector_load(cpu);
        }
        return resume;
    }
    return dispatch_go_on(cpu);
}

/* The rest of a region, instruction by instruction. */
static const void *region_by_hand(Cpu *cpu, const FillSite *site)
{
    Engine *engine = cpu->engine;
    Block *block = block_at_host(engine, (const uint8_t *)site);

    flags_from_jit(cpu);
    rip_from_site(cpu, site->page_offset);
    if (block->valid && unshared_count(engine->unshared, block)) {
        dispatch_outdate(cpu->engine_cpu, block);
    }
    for (unsigned i = 0; i < site->insns; i++) {
        if (!execute_here(cpu)) {
            return dispatch_go_on(cpu);
        }
    }
    if (site->next == 0 || !block->valid) {
        return dispatch_go_on(cpu);
    }
    flags_to_jit(cpu);
    if (site->vector) {
        cpu_vector_load(cpu);
    }
    return (const uint8_t *)site + site->next;
}

const void *engine_fill(Cpu *cpu, uint64_t gva, const FillSite *site)
{
    if (!mmu_fill(cpu, gva, site->width, site->own, site->access)) {
        return region_by_hand(cpu, site);
    }
    if (site->vector) {
        cpu_vector_load(cpu);
    }
    return (const uint8_t *)site + site->retry;
}

const void *engine_vector(Cpu *cpu, const VectorSite *site)
{
    cpu_vector_load(cpu);
    return (const uint8_t *)site + site->resume;
}

const void *engine_window(Cpu *cpu, uint64_t gva, const WindowSite *site)
{
    Engine *engine = cpu->engine;
    Block *block = block_at_host(engine, (const uint8_t *)site);
    WindowEntry entry = mmu_window_enter(cpu, gva, site->slot);

    if (entry == WINDOW_THRASHES) {
        heat_expel(cpu->engine_cpu, block);
    }
    if (entry != WINDOW_DENIED || !site->entry) {
        if (site->vector) {
            cpu_vector_load(cpu);
        }
        return (const uint8_t *)site + site->retry;
    }
    flags_from_jit(cpu);
    rip_from_site(cpu, site->page_offset);
    heat_cool(engine, block);
    dispatch_outdate(cpu->engine_cpu, block);
    return dispatch_go_on(cpu);
}

/* Before #MF: the instruction that it is about. */
static void x87_error_tell(Cpu *cpu)
{
    const EngineCpu *own = cpu->engine_cpu;
    const Insn *insn;

    if (own->x87_offset == NO_X87_ERROR) {
        return;
    }
    rip_from_site(cpu, own->x87_offset);
    insn = software_cpu_fetch(cpu);
    if (insn != NULL) {
        x87_error_note(cpu, insn, own->x87_dp);
    }
}

const void *engine_fault(Cpu *cpu)
{
    flags_from_jit(cpu);
    x87_error_tell(cpu);
    rip_from_site(cpu, cpu->engine_cpu->fault_offset);
    if (execute_here(cpu) && dispatch_held(cpu->engine)) {
        verify_left(cpu->engine);
    }
    return dispatch_go_on(cpu);
}

const void *engine_dispatch_at(Cpu *cpu, const Site *site)
{
    flags_from_jit(cpu);
    rip_from_site(cpu, site->page_offset);
    return dispatch_go_on(cpu);
}

/* A near branch to a non-canonical address faults itself, with nothing changed: takes back what RET
 * did to RSP (CALL is called out), and lets the software CPU raise it. Falling into such an address
 * is not the last instruction's fault. */
static void branch_faults(Cpu *cpu, unsigned page_offset, uint64_t target)
{
    const Insn *insn;

    rip_from_site(cpu, page_offset);
    insn = software_cpu_fetch(cpu);
    if (insn == NULL || (insn->mnemonic != ZYDIS_MNEMONIC_RET &&
                         insn->mnemonic != ZYDIS_MNEMONIC_JMP && insn->op[0].kind != OPERAND_REL)) {
        cpu->rip = target;
        return;
    }
    if (insn->mnemonic == ZYDIS_MNEMONIC_RET) {
        cpu->gpr[RSP] -= insn->op_width + (insn->opcode == 0xc2 ? (uint16_t)insn->imm : 0u);
    }
    execute_here(cpu);
}

/* An exit on its way to be chained: with code_base and salt as they were there, and while nothing
 * has been dropped. */
typedef struct Leaving {
    Block *from;
    unsigned exit;
    bool far;
    uint64_t base, salt, generation;
} Leaving;

static void chain(Cpu *cpu, const Leaving *leaving, Block *to)
{
    Engine *engine = cpu->engine;

    if (leaving->far) {
        dispatch_note(cpu, to);
    }
    if (engine->generation != leaving->generation || !leaving->from->valid ||
        cpu->jit_salt != leaving->salt) {
        return;
    }
    if (leaving->far) {
        block_link_far(engine, leaving->from, leaving->exit, to, leaving->base, leaving->salt);
    } else {
        block_link(engine, leaving->from, leaving->exit, to);
    }
}

/* As enter_here, and chains the exit; NULL: it cannot be. */
static const void *enter_chained(Cpu *cpu, const Leaving *leaving)
{
    Engine *engine = cpu->engine;
    const void *host = NULL;
    Block *to;

    engine_lock(cpu->engine_cpu);
    if (engine->generation == leaving->generation) {
        to = dispatch_find(cpu, &engine->block[leaving->from->exit_to[leaving->exit]]);
        if (to != NULL && dispatch_due(engine, to)) {
            host = engine_leave;
        } else if (to != NULL) {
            chain(cpu, leaving, to);
            host = dispatch_enter(cpu, to);
        }
    }
    engine_unlock(cpu->engine_cpu);
    return host;
}

/* Goes on at CS:RIP, and if it can, chains an exit to there. */
static const void *go_on_chained(Cpu *cpu, const Site *site)
{
    Engine *engine = cpu->engine;
    const Leaving leaving = {
        .from = block_at_host(engine, (const uint8_t *)site),
        .exit = site->exit,
        .far = site->far,
        .base = cpu->code_base,
        .salt = cpu->jit_salt,
        .generation = engine->generation,
    };
    const void *host;

    if (!dispatch_quiet(cpu) || engine->unchained || dispatch_held(engine)) {
        return dispatch_next(cpu);
    }
    host = enter_chained(cpu, &leaving);
    if (host == NULL) {
        return dispatch_next(cpu);
    }
    if (host != engine_leave) {
        flags_to_jit(cpu);
    }
    return host;
}

const void *engine_indirect(Cpu *cpu, uint64_t rip, const Site *site)
{
    cpu->engine_cpu->stats.ibtc_misses++;
    flags_from_jit(cpu);
    if (!(cpu->mode & MODE_CS64)) {
        rip = (uint32_t)rip; /* 16-bit code: without what else it is known by */
    }
    if (!address_canonical(rip)) {
        branch_faults(cpu, site->page_offset, rip);
        return dispatch_next(cpu);
    }
    cpu->rip = rip;
    return site->far ? go_on_chained(cpu, site) : dispatch_next(cpu);
}

const void *engine_link(Cpu *cpu, const Site *site)
{
    flags_from_jit(cpu);
    rip_from_site(cpu, site->page_offset);
    return go_on_chained(cpu, site);
}
