/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dispatch.c - finds, or makes, the translated code for the state in the Cpu. Compiled with
 * -mgeneral-regs-only: the guest's vector state stays in the host's registers. */
#include "runtime/engine/dispatch_int.h"
#include "runtime/cpu/cpu_debug.h"
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/software_cpu_int.h"

/* Modes in which every instruction needs looking at: single step, breakpoints, alignment checks. */
enum { MODE_INTERPRET = MODE_TF | MODE_DEBUG | MODE_ALIGN };

enum { NO_FAULT = 0xff }; /* no vector of a fault: for the log of exceptions */

static void trace_run(Cpu *cpu)
{
    if (cpu->engine->traced & (LOG_EXEC | LOG_CPU)) {
        engine_trace_run(cpu);
    }
}

/* Indirect branches to CS:RIP find the block from now on; its bank is the current one. */
void dispatch_note(Cpu *cpu, const Block *block)
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
Block *dispatch_find(Cpu *cpu, Block *likely)
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
void dispatch_outdate(EngineCpu *self, Block *block)
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
    while (!dispatch_quiet(cpu)) {
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

bool dispatch_interpret(Cpu *cpu)
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

/* The block's main entry. */
const void *dispatch_enter(Cpu *cpu, const Block *block)
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
    block = dispatch_find(cpu, &engine->block[NO_BLOCK]);
    if (block != NULL && dispatch_due(engine, block)) {
        host = engine_leave;
    } else if (block != NULL) {
        dispatch_note(cpu, block);
        host = dispatch_enter(cpu, block);
    }
    engine_unlock(cpu->engine_cpu);
    return host;
}

/* Where to go on from the state in the Cpu: a block's main entry, or engine_leave. */
const void *dispatch_next(Cpu *cpu)
{
    Engine *engine = cpu->engine;

    if (dispatch_held(engine)) {
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
        if (!dispatch_interpret(cpu)) {
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
           __atomic_load_n(&cpu->attention, __ATOMIC_RELAXED) == 0 && dispatch_quiet(cpu) &&
           cpu->engine->verify == NULL;
}

/* As dispatch, for what has not just missed the bank of indirect branches. */
const void *dispatch_go_on(Cpu *cpu)
{
    if (goes_by_address(cpu)) {
        const void *entry = entry_known(cpu);

        if (entry != NULL) {
            flags_to_jit(cpu);
            return entry;
        }
    }
    return dispatch_next(cpu);
}
