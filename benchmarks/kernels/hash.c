/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hash.c - an open-addressed hash table of 1 MiB: insert, look up, delete; cache misses. */
#include "kernel.h"

#include <string.h>

enum { BITS = 16, SLOTS = 1 << BITS, STEP = 1024 };

typedef struct Slot {
    uint32_t key; /* 0: free, 1: deleted */
    uint32_t value;
    uint32_t pad[2];
} Slot;

static Slot table[SLOTS];

/* The slot of the key, or the first one where it could be put. */
static Slot *hash_find(uint32_t key)
{
    uint32_t i = (key * 2654435761u) >> (32 - BITS);
    Slot *grave = 0;

    for (;; i = (i + 1) & (SLOTS - 1)) {
        Slot *slot = &table[i];

        if (slot->key == key) {
            return slot;
        }
        if (slot->key == 0) {
            return grave ? grave : slot;
        }
        if (slot->key == 1 && !grave) {
            grave = slot;
        }
    }
}

uint64_t hash_run(uint64_t iterations)
{
    uint32_t state = 777;
    uint64_t sum = 0;

    memset(table, 0, sizeof table);
    for (uint64_t n = 0; n < iterations; n++) {
        if (n % 32 == 0) {
            memset(table, 0, sizeof table); /* the graves would fill it */
        }
        for (int i = 0; i < STEP; i++) {
            uint32_t key = (random_next(&state) & 0x3fff) + 2;
            Slot *slot = hash_find(key);

            if (slot->key != key) {
                slot->key = key;
                slot->value = key;
            } else if (slot->value++ % 5 == 0) {
                slot->key = 1;
            }
            sum += slot->value;
        }
        sum = checksum_add(sum, n);
    }
    return sum;
}
