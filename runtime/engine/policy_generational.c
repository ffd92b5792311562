/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_generational.c - nursery and tenured units.
 *
 * Nothing counts how often a block runs. What tells a block in use from one that ran once is that
 * it is wanted again after its nursery unit was emptied: keys of blocks that went from there are
 * remembered in a table, and a block found in it is translated into the tenured units.  The nursery
 * is all of the cache until promoted blocks need the room: up to five eighths. */
#include "runtime/engine/policy.h"

enum { BYTES_PER_GHOST = 256 }; /* of the cache: about one a block */

typedef enum Role { NURSERY, TENURED, ROLES } Role;

typedef struct Unit {
    Role role;
    uint64_t age; /* smaller: taken into use earlier; 0: never */
} Unit;

typedef struct Generational {
    Unit *unit;
    unsigned n_units, n_tenured, max_tenured;
    unsigned current[ROLES];
    uint64_t clock;
    Role emptied;    /* what the unit that advance gave last was before */
    uint32_t *ghost; /* high half of a key, by its low bits; 0: none */
    uint64_t ghost_mask;
} Generational;

static void unit_take(Generational *g, unsigned unit, Role role)
{
    g->emptied = g->unit[unit].role;
    g->unit[unit] = (Unit){ .role = role, .age = ++g->clock };
    g->current[role] = unit;
}

static void *generational_create(unsigned units, uint64_t cache_size)
{
    Generational *g = g_new0(Generational, 1);
    uint64_t ghosts = 1024;

    while (ghosts < cache_size / BYTES_PER_GHOST) {
        ghosts *= 2;
    }
    g->unit = g_new0(Unit, units);
    g->n_units = units;
    g->n_tenured = 1;
    g->max_tenured = MAX(units * 5 / 8, 1);
    g->ghost = g_new0(uint32_t, ghosts);
    g->ghost_mask = ghosts - 1;
    unit_take(g, 0, NURSERY);
    unit_take(g, units - 1, TENURED);
    return g;
}

static void generational_destroy(void *state)
{
    Generational *g = state;

    g_free(g->unit);
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
        return (PolicyPlace){ .unit = g->current[TENURED], .promoted = true };
    }
    return (PolicyPlace){ .unit = g->current[NURSERY] };
}

/* Units that were never in use are the oldest of the nursery. */
static unsigned oldest(const Generational *g, Role role)
{
    unsigned found = g->current[role];

    for (unsigned i = 0; i < g->n_units; i++) {
        if (g->unit[i].role == role && g->unit[i].age < g->unit[found].age) {
            found = i;
        }
    }
    return found;
}

static unsigned generational_advance(void *state, unsigned full)
{
    Generational *g = state;
    Role role = g->unit[full].role;
    unsigned unit;

    if (role == TENURED && g->n_tenured < g->max_tenured) {
        unit = oldest(g, NURSERY);
        g->n_tenured++;
    } else {
        unit = oldest(g, role);
    }
    unit_take(g, unit, role);
    return unit;
}

static void generational_evicted(void *state, unsigned unit, uint64_t key)
{
    Generational *g = state;

    (void)unit;
    if (g->emptied == NURSERY) {
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
