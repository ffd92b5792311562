/* SPDX-License-Identifier: GPL-2.0-or-later */
/* populate.c - host pages for guest RAM: a huge one, or some small ones at a time. Compiled with
 * -mgeneral-regs-only. */
#include <sys/mman.h>

#include "softmmu/host_call.h"
#include "softmmu/host_pages.h"
#include "softmmu/physmap_int.h"

enum { PIECES = HOST_HUGE_SIZE / POPULATE_SIZE };
static const uint64_t HUGE_MASK = ~(uint64_t)(HOST_HUGE_SIZE - 1);

/* The bits of all pieces of the huge page at `start`, in their word. */
static uint64_t huge_bits(uint64_t start)
{
    return ((1ull << PIECES) - 1) << ((start >> POPULATE_SHIFT) % 64);
}
_Static_assert(PIECES < 64 && 64 % PIECES == 0, "in one word");

/* The huge page around, if none of it is there yet and the host gives one. */
static bool populate_huge(PhysMap *map, uint64_t ram_offset)
{
    uint64_t start = ram_offset & HUGE_MASK, bits = huge_bits(start);
    uint64_t *word = &map->populated[(start >> POPULATE_SHIFT) / 64];

    if (__atomic_load_n(&map->no_huge, __ATOMIC_RELAXED) ||
        map->ram_size - start < HOST_HUGE_SIZE ||
        (__atomic_load_n(word, __ATOMIC_RELAXED) & bits) != 0) {
        return false;
    }
    if (!host_pages_huge(map->ram + start)) {
        __atomic_store_n(&map->no_huge, true, __ATOMIC_RELAXED);
        return false;
    }
    __atomic_fetch_or(word, bits, __ATOMIC_RELAXED);
    return true;
}

void phys_map_populate(PhysMap *map, uint64_t ram_offset)
{
    uint64_t n = ram_offset >> POPULATE_SHIFT, bit = 1ull << (n % 64), start = n << POPULATE_SHIFT;
    uint64_t left = map->ram_size - start;

    if ((__atomic_load_n(&map->populated[n / 64], __ATOMIC_RELAXED) & bit) ||
        populate_huge(map, ram_offset) ||
        (__atomic_fetch_or(&map->populated[n / 64], bit, __ATOMIC_RELAXED) & bit)) {
        return;
    }
    /* what it could not get, or a Linux before 5.14, is got by faults */
    host_call(__NR_madvise, map->ram + start, left < POPULATE_SIZE ? left : POPULATE_SIZE,
              MADV_POPULATE_WRITE, 0, 0, 0);
}
