/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unshared.c - code in which checks that accesses share keep failing: its stack frame lies across a
 * page's end, or what it shares a page with is watched. Compiled with -mgeneral-regs-only.
 *
 * Sets are of hashes: a collision costs a few host instructions, no more. */
#include "runtime/engine/engine_int.h"

enum {
    PLACES = 1 << 14,
    FAILURES = 16, /* of a block, until it is translated again without sharing */
};

struct Unshared {
    uint8_t failures[PLACES]; /* FAILURES: in the set */
};

struct Unshared *unshared_new(void)
{
    return g_new0(struct Unshared, 1);
}

bool unshared_has(const struct Unshared *unshared, const uint8_t *page, unsigned page_offset)
{
    return unshared->failures[code_place(page, page_offset, PLACES)] == FAILURES;
}

bool unshared_count(struct Unshared *unshared, const Block *block)
{
    uint8_t *failures = &unshared->failures[code_place(block->page, block->page_offset, PLACES)];

    *failures += *failures < FAILURES;
    return *failures == FAILURES;
}
