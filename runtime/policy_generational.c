/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_generational.c - nursery and tenured ring.
 *
 * Nothing counts how often a block runs. What tells a block in use from one that ran once is that
 * it is wanted again after its nursery unit was emptied: keys of blocks that went from there are
 * remembered in a table, and a block found in it is translated into the tenured ring.  A guest that
 * fits the cache never comes so far. */
#include "runtime/policy.h"

enum { BYTES_PER_GHOST = 256 }; /* of the cache: about one a block */

typedef struct Ring {
    unsigned first, units, current; /* current: counted from `first` */
} Ring;

typedef struct Generational {
    Ring nursery, tenured;
    uint32_t *ghost; /* high half of a key, by its low bits; 0: none */
    uint64_t ghost_mask;
} Generational;

static void *generational_create(unsigned units, uint64_t cache_size)
{
    Generational *g = g_new0(Generational, 1);
    uint64_t ghosts = 1024;

    while (ghosts < cache_size / BYTES_PER_GHOST) {
        ghosts *= 2;
    }
    g->nursery = (Ring){ .units = MAX(units * 3 / 8, 1) };
    g->tenured = (Ring){ .first = g->nursery.units, .units = units - g->nursery.units };
    g->ghost = g_new0(uint32_t, ghosts);
    g->ghost_mask = ghosts - 1;
    return g;
}

static void generational_destroy(void *state)
{
    Generational *g = state;

    g_free(g->ghost);
    g_free(g);
}

static uint32_t signature(uint64_t key)
{
    return (uint32_t)(key >> 32) | 1;
}

static PolicyPlace generational_place(void *state, uint64_t key)
{
    Generational *g = state;
    uint32_t *ghost = &g->ghost[key & g->ghost_mask];

    if (*ghost == signature(key)) {
        *ghost = 0;
        return (PolicyPlace){ .unit = g->tenured.first + g->tenured.current, .promoted = true };
    }
    return (PolicyPlace){ .unit = g->nursery.first + g->nursery.current };
}

static unsigned generational_advance(void *state, unsigned full)
{
    Generational *g = state;
    Ring *ring = full < g->tenured.first ? &g->nursery : &g->tenured;

    ring->current = (full - ring->first + 1) % ring->units;
    return ring->first + ring->current;
}

static void generational_evicted(void *state, unsigned unit, uint64_t key)
{
    Generational *g = state;

    if (unit < g->tenured.first) {
        g->ghost[key & g->ghost_mask] = signature(key);
    }
}

const CachePolicy policy_generational = {
    .name = "generational",
    .units = policy_ring_units,
    .create = generational_create,
    .destroy = generational_destroy,
    .place = generational_place,
    .advance = generational_advance,
    .evicted = generational_evicted,
};
