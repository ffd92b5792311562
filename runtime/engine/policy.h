/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_POLICY_H
#define RUNTIME_ENGINE_POLICY_H
/* policy.h - which translations give way when the translation cache is full.
 *
 * The cache is divided into units of equal size.  Blocks are put into a unit one behind the other;
 * a unit is emptied as a whole.  A policy says how many units there are, which one a new block goes
 * into, and which one to empty when that one is full.  It knows nothing else of the cache, and is
 * asked only when a block is translated: never by code that runs.
 *
 * A block is named by a key, a hash of what it was made from: equal for the same code translated
 * again; that different blocks may share one makes a policy's guess worse, nothing more.
 *
 *     flush          one unit: a full cache is emptied as a whole
 *     fifo           units in a ring: the oldest goes
 *     generational   nursery and tenured units.  New blocks go to the nursery; a block that is
 *                    translated again soon after its nursery unit was emptied is in use: it goes to
 *                    the tenured units, out of the way of code that runs once
 */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct PolicyPlace {
    unsigned unit;
    bool promoted; /* because the block has been here before */
} PolicyPlace;

typedef struct CachePolicy {
    const char *name;
    unsigned (*units)(uint64_t cache_size); /* into how many the cache is to be divided */
    void *(*create)(unsigned units, uint64_t cache_size);
    void (*destroy)(void *state);
    /* Where a block about to be translated goes. */
    PolicyPlace (*place)(void *state, uint64_t key);
    /* `place` gave this unit, but it is full: the unit to empty (it may be so already) and to take
     * instead, from now on. */
    unsigned (*advance)(void *state, unsigned full);
    /* A valid block of the unit that `advance` gave last is being dropped; NULL: not interested. */
    void (*evicted)(void *state, unsigned unit, uint64_t key);
} CachePolicy;

extern const CachePolicy policy_flush, policy_fifo, policy_generational;

enum {
    POLICY_UNIT_MIN = 128 << 10, /* bytes; a block may take 20 KiB, so an eighth at most is lost */
    POLICY_UNITS_MAX = 32,
};

/* Units of at least POLICY_UNIT_MIN bytes: from 4 to POLICY_UNITS_MAX. */
static inline unsigned policy_ring_units(uint64_t cache_size)
{
    return (unsigned)CLAMP(cache_size / POLICY_UNIT_MIN, 4, POLICY_UNITS_MAX);
}

/* NULL: the default one. */
const CachePolicy *policy_find(const char *name, GError **error);

#endif
