/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_flush.c - a full cache is emptied as a whole. */
#include "runtime/engine/policy.h"

static unsigned flush_units(uint64_t cache_size)
{
    (void)cache_size;
    return 1;
}

static void *flush_create(unsigned units, uint64_t cache_size)
{
    (void)units;
    (void)cache_size;
    return NULL;
}

static void flush_destroy(void *state)
{
    (void)state;
}

static PolicyPlace flush_place(void *state, uint64_t key)
{
    (void)state;
    (void)key;
    return (PolicyPlace){ 0 };
}

static unsigned flush_advance(void *state, unsigned full)
{
    (void)state;
    return full;
}

const CachePolicy policy_flush = {
    .name = "flush",
    .units = flush_units,
    .create = flush_create,
    .destroy = flush_destroy,
    .place = flush_place,
    .advance = flush_advance,
};
