/* SPDX-License-Identifier: GPL-2.0-or-later */
/* smp_model.c - TSO as a machine whose states are all visited: each CPU has a queue of its stores,
 * which go to memory in order at any time; its loads look there first; MFENCE, locked and
 * serialising instructions wait until it is empty.
 *
 * Code: a CPU runs what it has stored itself. Of another CPU's stores it may run any since it last
 * serialised, or what was there before them (SDM vol. 3 section 8.1.3). */
#include "check/smp_test.h"

#include <string.h>

typedef struct Pending {
    uint8_t place, value;
} Pending;

typedef struct State {
    uint8_t memory[SMP_PLACES];
    uint8_t at[SMP_CPUS], loads[SMP_CPUS], stores[SMP_CPUS]; /* done; pending */
    uint16_t code[SMP_CPUS];                                 /* what it may run: a bit a value */
    Pending pending[SMP_CPUS][SMP_OPS];
    uint8_t loaded[SMP_CPUS][SMP_LOADS];
} State;

typedef struct Search {
    const SmpTest *test;
    GHashTable *seen; /* of GBytes */
    GPtrArray *open;  /* of State *, to be visited */
    GHashTable *outcomes;
} Search;

static void search_add(Search *search, const State *state)
{
    GBytes *bytes = g_bytes_new(state, sizeof(*state));

    if (g_hash_table_add(search->seen, bytes)) {
        g_ptr_array_add(search->open, g_memdup2(state, sizeof(*state)));
    }
}

static void memory_write(const Search *search, State *state, unsigned place, uint8_t value)
{
    state->memory[place] = value;
    for (unsigned i = 0; place == SMP_CODE && i < search->test->cpus; i++) {
        state->code[i] |= (uint16_t)(1u << value);
    }
}

static uint8_t value_seen(const State *state, unsigned cpu, unsigned place)
{
    for (unsigned i = state->stores[cpu]; i > 0; i--) {
        if (state->pending[cpu][i - 1].place == place) {
            return state->pending[cpu][i - 1].value;
        }
    }
    return state->memory[place];
}

static void drain(Search *search, const State *state, unsigned cpu)
{
    State next = *state;
    Pending first = state->pending[cpu][0];

    memmove(&next.pending[cpu][0], &state->pending[cpu][1], (SMP_OPS - 1) * sizeof(Pending));
    next.pending[cpu][SMP_OPS - 1] = (Pending){ 0 };
    next.stores[cpu]--;
    memory_write(search, &next, first.place, first.value);
    if (first.place == SMP_CODE) {
        next.code[cpu] = (uint16_t)(1u << first.value);
    }
    search_add(search, &next);
}

static void load(Search *search, const State *state, unsigned cpu, uint8_t value)
{
    State next = *state;

    next.at[cpu]++;
    next.loaded[cpu][next.loads[cpu]++] = value;
    search_add(search, &next);
}

static void store(Search *search, const State *state, unsigned cpu, const SmpOp *op)
{
    State next = *state;

    next.at[cpu]++;
    next.pending[cpu][next.stores[cpu]++] = (Pending){ op->place, op->value };
    search_add(search, &next);
}

static void fetch(Search *search, const State *state, unsigned cpu)
{
    for (unsigned i = state->stores[cpu]; i > 0; i--) {
        if (state->pending[cpu][i - 1].place == SMP_CODE) {
            load(search, state, cpu, state->pending[cpu][i - 1].value);
            return;
        }
    }
    for (unsigned value = 0; value < 16; value++) {
        if (state->code[cpu] >> value & 1) {
            load(search, state, cpu, (uint8_t)value);
        }
    }
}

/* What waits until the CPU's stores are in memory. */
static void ordered(Search *search, const State *state, unsigned cpu, const SmpOp *op)
{
    State next = *state;
    uint8_t old = state->memory[op->place];

    if (state->stores[cpu] != 0) {
        return;
    }
    if (op->kind == SMP_XCHG || op->kind == SMP_XADD) {
        memory_write(search, &next, op->place,
                     (uint8_t)(op->value + (op->kind == SMP_XADD ? old : 0)));
        load(search, &next, cpu, old);
        return;
    }
    if (op->kind == SMP_SERIAL) {
        next.code[cpu] = (uint16_t)(1u << state->memory[SMP_CODE]);
    }
    next.at[cpu]++;
    search_add(search, &next);
}

static void step(Search *search, const State *state, unsigned cpu)
{
    const SmpOp *op = &search->test->cpu[cpu].op[state->at[cpu]];

    switch (op->kind) {
    case SMP_STORE:
        store(search, state, cpu, op);
        break;
    case SMP_LOAD:
        load(search, state, cpu, value_seen(state, cpu, op->place));
        break;
    case SMP_FETCH:
        fetch(search, state, cpu);
        break;
    default:
        ordered(search, state, cpu, op);
        break;
    }
}

static void finish(const Search *search, const State *state)
{
    SmpOutcome *outcome = g_new0(SmpOutcome, 1);
    unsigned shift = 0;

    for (unsigned i = 0; i < search->test->cpus; i++) {
        for (unsigned j = 0; j < state->loads[i]; j++, shift += 4) {
            *outcome |= (SmpOutcome)state->loaded[i][j] << shift;
        }
    }
    for (unsigned i = 0; i < SMP_PLACES; i++, shift += 4) {
        *outcome |= (SmpOutcome)state->memory[i] << shift;
    }
    g_hash_table_add(search->outcomes, outcome);
}

static void visit(Search *search, const State *state)
{
    bool done = true;

    for (unsigned i = 0; i < search->test->cpus; i++) {
        if (state->stores[i] != 0) {
            drain(search, state, i);
            done = false;
        }
        if (state->at[i] < search->test->cpu[i].ops) {
            step(search, state, i);
            done = false;
        }
    }
    if (done) {
        finish(search, state);
    }
}

GHashTable *smp_test_allowed(const SmpTest *test)
{
    Search search = {
        .test = test,
        .seen = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                                      NULL),
        .open = g_ptr_array_new(),
        .outcomes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
    };
    State first;

    memset(&first, 0, sizeof(first)); /* with what lies between the fields */
    for (unsigned i = 0; i < SMP_CPUS; i++) {
        first.code[i] = 1;
    }
    search_add(&search, &first);
    while (search.open->len != 0) {
        g_autofree State *state = g_ptr_array_steal_index_fast(search.open, search.open->len - 1);

        visit(&search, state);
    }
    g_hash_table_unref(search.seen);
    g_ptr_array_unref(search.open);
    return search.outcomes;
}
