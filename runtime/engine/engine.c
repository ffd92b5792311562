/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine.c - turns of a vCPU in translated code. Compiled with -mgeneral-regs-only. */
#include "runtime/engine/dispatch_int.h"
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/software_cpu_int.h"

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
        const void *host = dispatch_next(cpu);

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
    if (!((interrupts || cpu->halted) && !dispatch_quiet(cpu) && interrupt_poll(cpu)) &&
        !cpu->halted && !cpu->wait_sipi) {
        dispatch_interpret(cpu);
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
