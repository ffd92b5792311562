/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_TRANSLATOR_WINDOW_FIXTURE_H
#define TESTS_TRANSLATOR_WINDOW_FIXTURE_H
/* window_fixture.h - two equal machines under paging: one runs on the software CPU, the other
 * translated, with all user code through the host-mapped window. What is done to one is done to the
 * other; after a run registers and all of RAM must be the same, and so the page tables' bits. */
#include "tests/translator/engine_fixture.h"

enum {
    WINDOW_FRAMES = 0x400000, /* gpa of free memory, 512 pages */
    WINDOW_TABLES = 0x600000, /* gpa of the tables that window_map makes */
    WINDOW_LIBRARY = 0x9000,  /* a free page for more code */
};

enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 32, PTE_D = 64, PTE_ALL = PTE_P | PTE_W | PTE_U };

typedef struct WindowPair {
    Fixture *soft;
    EngineFixture *hard;
    Fixture *both[2];
    uint64_t next_table;
    uint32_t ahead; /* bits of entries that the translated machine may set earlier */
} WindowPair;

WindowPair *window_pair_new(FixtureMode mode);
void window_pair_free(WindowPair *pair);
void window_reset(WindowPair *pair);

/* Maps one page of 4 KiB in the tables at CR3; nothing is flushed. */
void window_map(WindowPair *pair, uint64_t gva, uint64_t gpa, uint64_t flags);
uint64_t window_table_new(WindowPair *pair);

void window_write(WindowPair *pair, uint64_t gpa, const void *data, size_t size);
/* Fills memory with what `seed` gives. */
void window_fill(WindowPair *pair, uint64_t gpa, size_t size, uint64_t seed);
void window_set_gpr(WindowPair *pair, unsigned gpr, uint64_t value);

/* Runs user code at FIXTURE_CODE to its HLT, which raises #GP there, and compares. */
void window_run(WindowPair *pair, const void *code, size_t size, const char *what);
/* The exception that ended it. */
unsigned window_vector(const WindowPair *pair);

#endif
