/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine.c - where translated code comes back to C, and how it goes on. Compiled with
 * -mgeneral-regs-only: the guest's vector state stays in the host's registers. */
#include "runtime/engine/engine_int.h"
#include "runtime/cpu/cpu_debug.h"
#include "runtime/cpu/cpu_offsets.h"
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "runtime/software_cpu/thunk.h"
#include "runtime/engine/verify.h"

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

/* Modes in which every instruction needs looking at: single step, breakpoints, alignment checks. */
enum { MODE_INTERPRET = MODE_TF | MODE_DEBUG | MODE_ALIGN };

enum { NO_FAULT = 0xff }; /* no vector of a fault: for the log of exceptions */

/* ---- Guest flags: Cpu.jit_flags (LAHF and SETO form) and Cpu.rflags ---- */

static void flags_from_jit(Cpu *cpu)
{
    uint32_t saved = cpu->jit_flags;

    cpu->rflags = (cpu->rflags & ~(uint64_t)FLAGS_ARITH) | (saved >> 8 & FLAGS_ARITH & 0xff) |
                  (uint64_t)(saved & 1) << 11;
}

static void flags_to_jit(Cpu *cpu)
{
    cpu->jit_flags = (uint32_t)((cpu->rflags & 0xff) << 8 | (cpu->rflags >> 11 & 1));
}

/* ---- Finding the next block ---- */

static void trace_run(Cpu *cpu)
{
    if (cpu->engine->traced & (LOG_EXEC | LOG_CPU)) {
        engine_trace_run(cpu);
    }
}

/* Indirect branches to CS:RIP find the block from now on; its bank is the current one. */
static void enter_ibtc(Cpu *cpu, const Block *block)
{
    trace_run(cpu);
    if (!cpu->engine->unchained) {
        ibtc_fill(cpu, block);
    }
}

/* Is the whole block inside the code segment's limit? */
static bool inside_limit(const Cpu *cpu, const Block *block)
{
    return (cpu->mode & MODE_FLAT_CS) || cpu->rip + block->guest_size - 1u <= cpu->seg[CS].limit;
}

/* The block at CS:RIP, translated now if need be, with its bank of indirect branches selected;
 * NULL: interpret one instruction, which will also raise the fault if there is one. `likely`: a
 * guess, which saves the look-up. */
static Block *block_here(Cpu *cpu, Block *likely)
{
    uint64_t linear = cpu->rip, ram_offset;
    const uint8_t *page;
    unsigned page_offset;
    uint64_t origin;
    Block *block;

    if (!(cpu->mode & MODE_CS64)) {
        linear = (uint32_t)(cpu->rip + cpu->seg[CS].base);
        if (cpu->rip > cpu->seg[CS].limit) {
            return NULL;
        }
    } else if (!address_canonical(linear)) {
        return NULL;
    }
    if (cpu->debug != NULL && cpu_debug_page(cpu, linear)) {
        return NULL;
    }
    mmu_code_page(cpu, linear, &ram_offset, &page);
    if (page == NULL) {
        return NULL;
    }
    page_offset = linear & (PAGE_SIZE - 1);
    ibtc_select(cpu); /* behind mmu_code_page: what code is fetched from may change its name */
    origin = code_origin(cpu, page_offset);
    block = likely->valid && block_is(likely, page, page_offset, cpu->mode, origin)
                ? likely
                : block_find(cpu->engine, page, page_offset, cpu->mode, origin);
    if (block == NULL) {
        cpu_vector_park(cpu);
        block = block_make(cpu, page, ram_offset, page_offset);
    }
    if (block == NULL || !inside_limit(cpu, block)) {
        return NULL;
    }
    cpu->code_base = cpu->rip - page_offset;
    return block;
}

/* Nothing is pending that could be acted on now? Who opens the door to what waits comes through
 * here. */
static bool quiet(const Cpu *cpu)
{
    return cpu_request_heeded(cpu) == 0;
}

/* It may be another block by now: that one is made again for nothing. */
static void drop_outdated(EngineCpu *self)
{
    Block *block = &self->engine->block[self->retranslate];

    self->retranslate = NO_BLOCK;
    engine_lock(self);
    if (block->valid) {
        block_drop(self->engine, block);
    }
    engine_unlock(self);
}

/* The block is to be made again. Its code may still run until the CPU is between two instructions.
 */
static void outdate(EngineCpu *self, Block *block)
{
    if (self->engine->parallel) {
        self->retranslate = block_number(self->engine, block);
        __atomic_store_n(&self->cpu->attention, 1, __ATOMIC_SEQ_CST);
    } else if (block->valid) {
        block_drop(self->engine, block);
    }
}

/* May guest code run, as far as requests go, and other CPUs? Delivers interrupts. */
static bool may_run(Cpu *cpu)
{
    __atomic_store_n(&cpu->attention, 0, __ATOMIC_SEQ_CST);
    engine_let_others(cpu->engine_cpu);
    if (cpu->engine_cpu->retranslate != NO_BLOCK) {
        drop_outdated(cpu->engine_cpu);
    }
    while (!quiet(cpu)) {
        uint32_t request = __atomic_load_n(&cpu->request, __ATOMIC_RELAXED);

        if (request & CPU_REQUEST_CODE) {
            cpu_request_clear(cpu, CPU_REQUEST_CODE);
            engine_synchronise(cpu->engine_cpu);
        }
        if (request & CPU_REQUEST_FLUSH) {
            cpu_request_clear(cpu, CPU_REQUEST_FLUSH);
            mmu_flush_all(cpu);
        }
        if (request & CPU_REQUESTS_OF_MACHINE & ~(uint32_t)(CPU_REQUEST_CODE | CPU_REQUEST_FLUSH)) {
            return false;
        }
        if (!interrupt_poll(cpu)) {
            break;
        }
    }
    return !cpu->halted && !cpu->wait_sipi && !turn_wanted(&cpu->engine->turn);
}

static bool interpret(Cpu *cpu)
{
    Engine *engine = cpu->engine;
    uint64_t rip = cpu->rip;
    bool running;

    trace_run(cpu);
    cpu->fault.vector = NO_FAULT;
    running = software_cpu_step(cpu);
    if ((engine->traced & LOG_INT) && cpu->fault.vector != NO_FAULT) {
        engine_trace_fault(cpu, rip);
    }
    return running;
}

/* Is a translation running that must come back behind its block? */
static bool alone(const Engine *engine)
{
    return engine->verify != NULL && verify_alone(engine);
}

static bool due(Engine *engine, Block *block)
{
    return engine->verify != NULL && verify_due(engine, block);
}

/* The block's main entry. */
static const void *enter_block(Cpu *cpu, const Block *block)
{
    if (block->vector) {
        cpu_vector_load(cpu);
    }
    return cpu->engine->rx + block->code + block->main_entry;
}

/* Where to go on to run the block at CS:RIP; NULL: interpret one instruction. */
static const void *enter_here(Cpu *cpu)
{
    Engine *engine = cpu->engine;
    const void *host = NULL;
    Block *block;

    engine_lock(cpu->engine_cpu);
    block = block_here(cpu, &engine->block[NO_BLOCK]);
    if (block != NULL && due(engine, block)) {
        host = engine_leave;
    } else if (block != NULL) {
        enter_ibtc(cpu, block);
        host = enter_block(cpu, block);
    }
    engine_unlock(cpu->engine_cpu);
    return host;
}

/* Where to go on from the state in the Cpu: a block's main entry, or engine_leave. */
static const void *dispatch(Cpu *cpu)
{
    Engine *engine = cpu->engine;

    if (alone(engine)) {
        return engine_leave;
    }
    cpu->engine_cpu->stats.dispatches++;
    for (;;) {
        const void *host;

        if (!may_run(cpu)) {
            return engine_leave;
        }
        /* RF, which IRET has loaded, lasts for one instruction */
        if ((cpu->mode & MODE_INTERPRET) == 0 && cpu->shadow == SHADOW_NONE &&
            !(cpu->rflags & FLAG_RF)) {
            host = enter_here(cpu);
            if (host == engine_leave) {
                return host;
            }
            if (host != NULL) {
                flags_to_jit(cpu);
                return host;
            }
        }
        if (cpu->debug != NULL && cpu_debug_stop(cpu)) {
            return engine_leave;
        }
        cpu->engine_cpu->stats.interpreted++;
        if (!interpret(cpu)) {
            return engine_leave;
        }
    }
}

/* The indirect entry of the block at CS:RIP, if the bank of indirect branches has it: its address
 * goes with the name of the space, so that no look-up in the TLB is needed. NULL: it does not.
 * Where a block was dropped the entry comes out at engine_indirect, which does not ask again. */
static const void *entry_known(Cpu *cpu)
{
    uint64_t key = code_key(cpu);
    const IbtcEntry *entry;

    if (!ibtc_select_known(cpu)) {
        return NULL;
    }
    entry = &((const IbtcBank *)(uintptr_t)cpu->jit_ibtc)->entry[ibtc_place(key)];
    return entry->rip == key ? entry->host : NULL;
}

/* Could a block that is known by its address be run at once? Banks are not filled for others. */
static bool goes_by_address(const Cpu *cpu)
{
    return (cpu->mode & (cpu->mode & (MODE_CS32 | MODE_CS64) ? MODE_FLAT_CS : MODE_CODE16)) &&
           (cpu->mode & MODE_INTERPRET) == 0 && cpu->shadow == SHADOW_NONE &&
           !(cpu->rflags & FLAG_RF) && !cpu->halted && !cpu->wait_sipi &&
           __atomic_load_n(&cpu->attention, __ATOMIC_RELAXED) == 0 && quiet(cpu) &&
           cpu->engine->verify == NULL;
}

/* As dispatch, for what has not just missed the bank of indirect branches. */
static const void *go_on(Cpu *cpu)
{
    if (goes_by_address(cpu)) {
        const void *entry = entry_known(cpu);

        if (entry != NULL) {
            flags_to_jit(cpu);
            return entry;
        }
    }
    return dispatch(cpu);
}

/* ---- Exits ---- */

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
        } while (step == STEP_AGAIN && alone(engine));
    }
    if (alone(engine)) { /* nothing is let in: the block is compared at its end */
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
           engine->generation == generation && quiet(cpu) && cpu->shadow == SHADOW_NONE &&
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
    return go_on(cpu);
}

/* The rest of a region, instruction by instruction. */
static const void *region_by_hand(Cpu *cpu, const FillSite *site)
{
    Engine *engine = cpu->engine;
    Block *block = block_at_host(engine, (const uint8_t *)site);

    flags_from_jit(cpu);
    rip_from_site(cpu, site->page_offset);
    if (block->valid && unshared_count(engine->unshared, block)) {
        outdate(cpu->engine_cpu, block);
    }
    for (unsigned i = 0; i < site->insns; i++) {
        if (!execute_here(cpu)) {
            return go_on(cpu);
        }
    }
    if (site->next == 0 || !block->valid) {
        return go_on(cpu);
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
    outdate(cpu->engine_cpu, block);
    return go_on(cpu);
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
    if (execute_here(cpu) && alone(cpu->engine)) {
        verify_left(cpu->engine);
    }
    return go_on(cpu);
}

const void *engine_dispatch_at(Cpu *cpu, const Site *site)
{
    flags_from_jit(cpu);
    rip_from_site(cpu, site->page_offset);
    return go_on(cpu);
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
        enter_ibtc(cpu, to);
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
        to = block_here(cpu, &engine->block[leaving->from->exit_to[leaving->exit]]);
        if (to != NULL && due(engine, to)) {
            host = engine_leave;
        } else if (to != NULL) {
            chain(cpu, leaving, to);
            host = enter_block(cpu, to);
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

    if (!quiet(cpu) || engine->unchained || alone(engine)) {
        return dispatch(cpu);
    }
    host = enter_chained(cpu, &leaving);
    if (host == NULL) {
        return dispatch(cpu);
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
        return dispatch(cpu);
    }
    cpu->rip = rip;
    return site->far ? go_on_chained(cpu, site) : dispatch(cpu);
}

const void *engine_link(Cpu *cpu, const Site *site)
{
    flags_from_jit(cpu);
    rip_from_site(cpu, site->page_offset);
    return go_on_chained(cpu, site);
}

/* No chain leads out of the block, and no indirect-branch cache. */
void engine_run_block(Cpu *cpu, Block *block)
{
    Engine *engine = cpu->engine;

    for (unsigned i = 0; i < BLOCK_MAX_EXITS; i++) {
        if (block->exit_to[i] != NO_BLOCK) {
            block_unlink_incoming(engine, &engine->block[block->exit_to[i]]);
        }
    }
    ibtc_select_none(cpu);
    cpu->code_base = cpu->rip - block->page_offset;
    flags_to_jit(cpu);
    cpu_vector_load(cpu);
    engine_enter(cpu, engine->rx + block->code + block->main_entry);
}

static void run_here(Cpu *cpu)
{
    Engine *engine = cpu->engine;

    if (__atomic_load_n(&engine->n_pending, __ATOMIC_RELAXED) !=
        0) { /* whatever became of the request */
        engine_synchronise(cpu->engine_cpu);
    }
    do {
        const void *host = dispatch(cpu);

        if (host != engine_leave) {
            engine_enter(cpu, host);
        }
    } while (engine->verify != NULL && verify_run(cpu));
    cpu_vector_park(cpu); /* the next turn's code is not compiled for general registers only */
}

void engine_run(Cpu *cpu)
{
    Engine *engine = cpu->engine;

    if (engine == NULL) {
        software_cpu_run(cpu, UINT64_MAX);
        return;
    }
    if (engine->parallel) {
        engine_come_inside(cpu->engine_cpu);
        run_here(cpu);
        engine_go_outside(cpu->engine_cpu);
    } else if (turn_take(&engine->turn, &cpu->engine_cpu->place)) {
        run_here(cpu);
        turn_give(&engine->turn, &cpu->engine_cpu->place);
    }
}

static void step_here(Cpu *cpu, bool interrupts)
{
    uint32_t request = __atomic_load_n(&cpu->request, __ATOMIC_RELAXED);

    cpu_request_clear(cpu, request & (CPU_REQUEST_CODE | CPU_REQUEST_FLUSH));
    engine_synchronise(cpu->engine_cpu);
    if (request & CPU_REQUEST_FLUSH) {
        mmu_flush_all(cpu);
    }
    if (!((interrupts || cpu->halted) && !quiet(cpu) && interrupt_poll(cpu)) && !cpu->halted &&
        !cpu->wait_sipi) {
        interpret(cpu);
    }
    cpu_vector_park(cpu);
}

bool engine_step(Cpu *cpu, bool interrupts)
{
    Engine *engine = cpu->engine;

    if (engine->parallel) {
        engine_come_inside(cpu->engine_cpu);
        step_here(cpu, interrupts);
        engine_go_outside(cpu->engine_cpu);
        return true;
    }
    if (!turn_take(&engine->turn, &cpu->engine_cpu->place)) {
        return false;
    }
    step_here(cpu, interrupts);
    turn_give(&engine->turn, &cpu->engine_cpu->place);
    return true;
}

void engine_forgo(Cpu *cpu)
{
    if (cpu->engine != NULL) {
        turn_forgo(&cpu->engine->turn, &cpu->engine_cpu->place);
    }
}

void engine_alone_begin(Cpu *cpu)
{
    engine_lock(cpu->engine_cpu);
    engine_alone(cpu->engine);
}

void engine_alone_end(Cpu *cpu)
{
    engine_unlock(cpu->engine_cpu);
}
