/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/verify.h"
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "runtime/engine/verify_int.h"

enum {
    SAMPLE_RUN = 16,    /* blocks that are verified one after the other when sampling */
    FLUSH_PERIOD = 509, /* so that slow accesses are exercised too: the software CPU has filled
                         * the TLB before the translation runs */
};

typedef enum Outcome { OUTCOME_SAME, OUTCOME_DIFFERENT, OUTCOME_GIVEN_UP } Outcome;

bool verify_due(Engine *engine, Block *block)
{
    Verify *verify = engine->verify;
    VerifyBlock *facts = &verify->block[block_number(engine, block)];

    if (!facts->checked) {
        return false;
    }
    if (verify->every != 1 && facts->seen) {
        if (verify->run_left > 0) {
            verify->run_left--;
        } else if (++verify->count % (verify->every * SAMPLE_RUN) == 0) {
            verify->run_left = SAMPLE_RUN - 1;
        } else {
            return false;
        }
    }
    facts->seen = true;
    verify->next = block;
    return true;
}

bool verify_alone(const Engine *engine)
{
    return engine->verify->alone;
}

void verify_faulted(Engine *engine)
{
    engine->verify->faulted = true;
}

void verify_left(Engine *engine)
{
    engine->verify->left = true;
}

/* The software CPU over the block; false: given up, and the CPU is behind what was executed. */
static bool reference_run(Cpu *cpu, const Block *block, const VerifyBlock *facts, bool *faulted)
{
    Verify *verify = cpu->engine->verify;

    *faulted = false;
    verify->n_writes = 0;
    verify->used = 0;
    for (unsigned i = 0; i < block->insns; i++) {
        const Insn *insn = software_cpu_fetch(cpu);
        bool plain = insn == NULL || !(facts->accesses >> i & 1) || verify_log(cpu, verify, insn);
        Step step = STEP_FAULT;

        if (insn != NULL) {
            do {
                step = software_cpu_exec(cpu, insn);
            } while (step == STEP_AGAIN && plain);
        }
        *faulted = step == STEP_FAULT;
        if (!plain || *faulted) {
            return plain;
        }
    }
    return true;
}

static void fault_keep(Cpu *cpu, VerifyState *state, bool faulted)
{
    state->faulted = faulted;
    state->fault = cpu->fault;
}

/* The translation over the block, from where the software CPU began. */
static void translation_run(Cpu *cpu, Block *block, const VerifyBlock *facts)
{
    Verify *verify = cpu->engine->verify;

    verify_undo(verify);
    verify_restore(cpu, &verify->before);
    if (cpu->engine->stats.verified % FLUSH_PERIOD == 0) {
        mmu_flush_all(cpu);
    }
    verify->faulted = false;
    verify->left = false;
    verify->alone = true;
    engine_run_block(cpu, block);
    verify->alone = false;
    verify_save(cpu, &verify->actual, facts);
    fault_keep(cpu, &verify->actual, verify->faulted);
}

/* The arithmetic flags that can be compared. */
static uint64_t flags_that_count(const Cpu *cpu, const Verify *verify, const Block *block)
{
    const VerifyBlock *facts = &verify->block[block_number(cpu->engine, block)];

    if (verify->expected.faulted) {
        return cpu->engine->options.precise_flags ? FLAGS_ARITH : 0;
    }
    return facts->flags;
}

/* Did both end alike? */
static bool same(Cpu *cpu, const Block *block)
{
    Verify *verify = cpu->engine->verify;
    uint64_t flags = flags_that_count(cpu, verify, block);

    if (verify->expected.vector) {
        verify_xsave_normalise(verify->expected.xsave);
        verify_xsave_normalise(verify->actual.xsave);
    }
    return verify_memory_equal(verify) &&
           verify_states_equal(&verify->expected, &verify->actual, block->mode, flags);
}

/* Both runs, from the state in the Cpu. */
static Outcome compare(Cpu *cpu, Block *block)
{
    Engine *engine = cpu->engine;
    Verify *verify = engine->verify;
    const VerifyBlock *facts = &verify->block[block_number(engine, block)];
    uint64_t generation = engine->generation;
    bool faulted;

    verify_save(cpu, &verify->before, facts);
    if (!reference_run(cpu, block, facts, &faulted)) {
        if (faulted) {
            exception_deliver(cpu);
        }
        return OUTCOME_GIVEN_UP;
    }
    verify_save(cpu, &verify->expected, facts);
    fault_keep(cpu, &verify->expected, faulted);
    verify_keep_expected(verify);
    translation_run(cpu, block, facts);
    if (engine->generation != generation || verify->left) {
        if (verify->actual.faulted) {
            exception_deliver(cpu);
        }
        return OUTCOME_GIVEN_UP;
    }
    return same(cpu, block) ? OUTCOME_SAME : OUTCOME_DIFFERENT;
}

/* Goes on from the software CPU's result. */
static void accept_expected(Cpu *cpu)
{
    Verify *verify = cpu->engine->verify;

    cpu->shadow = verify->expected.shadow;
    if (verify->expected.faulted) {
        cpu->fault = verify->expected.fault;
        exception_deliver(cpu);
    }
}

static void different(Cpu *cpu, Block *block)
{
    Engine *engine = cpu->engine;
    Verify *verify = engine->verify;

    engine->stats.verify_failed++;
    cpu_vector_park(cpu);
    verify_report(cpu, block, flags_that_count(cpu, verify, block));
    verify_redo(verify);
    verify_restore(cpu, &verify->expected);
    if (engine->options.verify_failed != NULL) {
        engine->options.verify_failed(engine->options.verify_opaque);
    }
}

bool verify_run(Cpu *cpu)
{
    Engine *engine = cpu->engine;
    Verify *verify = engine->verify;
    Block *block = verify->next;
    Outcome outcome;

    if (block == NULL) {
        return false;
    }
    verify->next = NULL;
    outcome = compare(cpu, block);
    if (outcome == OUTCOME_DIFFERENT) {
        verify_undo(verify);
        verify_restore(cpu, &verify->before);
        engine->stats.verify_repeated++;
        outcome = compare(cpu, block);
    }
    if (outcome == OUTCOME_GIVEN_UP) {
        engine->stats.verify_skipped++;
        return true;
    }
    engine->stats.verified++;
    if (outcome == OUTCOME_DIFFERENT) {
        different(cpu, block);
    }
    accept_expected(cpu);
    return true;
}
