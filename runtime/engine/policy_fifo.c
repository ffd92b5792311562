/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_fifo.c - units in a ring: the oldest goes. */
#include "runtime/engine/policy.h"

typedef struct Fifo {
    unsigned units, current;
} Fifo;

static void *fifo_create(unsigned units, uint64_t cache_size)
{
    Fifo *fifo = g_new0(Fifo, 1);

    (void)cache_size;
    fifo->units = units;
    return fifo;
}

static PolicyPlace fifo_place(void *state, uint64_t key)
{
    Fifo *fifo = state;

    (void)key;
    return (PolicyPlace){ .unit = fifo->current };
}

static unsigned fifo_advance(void *state, unsigned full)
{
    Fifo *fifo = state;

    fifo->current = (full + 1) % fifo->units;
    return fifo->current;
}

const CachePolicy policy_fifo = {
    .name = "fifo",
    .units = policy_ring_units,
    .create = fifo_create,
    .destroy = g_free,
    .place = fifo_place,
    .advance = fifo_advance,
};
