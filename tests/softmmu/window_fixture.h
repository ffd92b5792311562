/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_SOFTMMU_WINDOW_FIXTURE_H
#define TESTS_SOFTMMU_WINDOW_FIXTURE_H
/* window_fixture.h - the host-mapped window of mmu_fixture's CPU, under 4-level paging.
 *
 * A test does what translated code does: it enters the chunk of an address, and has a fault handled
 * until the access can be made. */
#include "tests/softmmu/mmu_fixture.h"

enum {
    BASE = 0x400000,  /* 64 pages that user code may write, to */
    DATA = 0x2000000, /* these; each has its number in it */
    NUMBER = 8,       /* where */
    SLOT = RBX,       /* of Cpu.jit_window */
};
#define GIB_4 (1ull << 32)

void window_set_up(void); /* fixture_tear_down undoes it */

typedef enum Reach { REACH_NOTHING, REACH_READ, REACH_WRITE } Reach;

/* What the host lets us do at an address; nothing changes. */
Reach host_reach(const void *host);
/* Where the slot's chunk has the address, and the number in that page. */
uint8_t *window_host(uint64_t gva);
uint64_t window_get(uint64_t gva);

/* The chunk becomes the slot's; false: it is denied. */
bool enter(uint64_t gva);
/* What can be done in the window without a fault. */
Reach mapped(uint64_t gva);
/* An access; the chunk must be had. */
WindowFault reach(uint64_t gva, Access access);

void watch(uint64_t gpa);                     /* as a page that holds code */
void switch_to(uint64_t root, unsigned pcid); /* nothing is flushed */

#endif
