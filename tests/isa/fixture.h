/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_ISA_FIXTURE_H
#define TESTS_ISA_FIXTURE_H
/* fixture.h - one CPU with 8 MiB of RAM at 0 in a mode of choice, for tests of single instructions.
 *
 * Everything lies at the same linear addresses in every mode and all segment bases are 0, so that
 * rows can be shared between modes.  Nothing is at 0x6000 to 0xf000 but what the test puts there.
 * Interrupts and exceptions are delivered only by fixture_step and fixture_run_delivering: each
 * vector's handler is one HLT at FIXTURE_HANDLERS + vector. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/cpu/cpu.h"
#include "runtime/software_cpu/software_cpu.h"
#include "softmmu/physmap.h"

enum {
    FIXTURE_RAM = 8 << 20,
    FIXTURE_HANDLERS = 0x3000, /* and 256 bytes */
    FIXTURE_CODE = 0x4000,     /* rip after fixture_load */
    FIXTURE_DATA = 0x6000,     /* a free page */
    FIXTURE_STACK = 0xe000,    /* initial rsp; grows down from here */
    FIXTURE_PML4 = 0x100000,   /* page tables: 4 levels, or 2 levels with FIXTURE_PAGING32 */
    FIXTURE_PDPT = 0x101000,
    FIXTURE_PD = 0x102000,
    FIXTURE_PT = 0x103000, /* four tables: 8 MiB in 4 KiB pages, present, writable, user */
    FIXTURE_GDT = 0x110000,
    FIXTURE_IDT = 0x111000,
    FIXTURE_TSS = 0x112000, /* 32-bit or 64-bit by mode; SS0:ESP0, RSP0 = FIXTURE_STACK0 */
    FIXTURE_STACK0 = 0xf000,
    FIXTURE_WALL_SECONDS = 1700000000, /* what the wall clock says */
};

enum { /* selectors in the GDT */
       FIXTURE_CS32 = 0x08,
       FIXTURE_DATA32 = 0x10, /* also for 64-bit mode */
       FIXTURE_CS64 = 0x18,
       FIXTURE_CS16 = 0x20,
       FIXTURE_DATA16 = 0x28,
       FIXTURE_USER_CS32 = 0x33, /* in SYSRET's order */
       FIXTURE_USER_DATA = 0x3b,
       FIXTURE_USER_CS64 = 0x43,
       FIXTURE_TR = 0x50,
       FIXTURE_GDT_FREE = 0x60, /* from here on unused, up to FIXTURE_GDT_LIMIT */
       FIXTURE_GDT_LIMIT = 0xfff,
};

typedef enum FixtureMode {
    FIXTURE_REAL,        /* 16-bit real mode */
    FIXTURE_VM86,        /* virtual-8086, IOPL 3, paging off */
    FIXTURE_PROTECTED16, /* 16-bit protected, CPL 0 */
    FIXTURE_PROTECTED32, /* flat, paging off, CPL 0 */
    FIXTURE_PAGING32,    /* the same with 32-bit paging, identity */
    FIXTURE_COMPAT,      /* long mode with a 32-bit code segment, CPL 0 */
    FIXTURE_LONG64,      /* 64-bit mode, CPL 0, identity */
} FixtureMode;

typedef struct Fixture {
    Cpu *cpu;
    uint8_t *memory; /* that holds cpu, and stack below it */
    PhysMap *map;
    uint8_t *ram; /* guest physical address 0 */
    FixtureMode mode;
    uint16_t out_port; /* last port write */
    uint32_t out_value;
    unsigned out_width, outs;
    uint32_t in_value; /* what port reads give, truncated to the width */
    int interrupt;     /* vector that interrupt_ack gives once, -1: none */
    unsigned triple_faults, msrs_refused, tsc_changes;
} Fixture;

Fixture *fixture_new(FixtureMode mode);
void fixture_free(Fixture *fx);

/* Back to the state after fixture_new, RAM included. */
void fixture_reset(Fixture *fx);

/* Protected and long modes: CS, SS, DS, ES of privilege level 0 or 3. */
void fixture_set_cpl(Fixture *fx, unsigned cpl);

/* Copies code to FIXTURE_CODE, puts a HLT behind it and sets rip there. */
void fixture_load(Fixture *fx, const void *code, size_t size);

/* How fixture_run ended. */
typedef enum FixtureEnd {
    FIXTURE_HLT,   /* rip is behind the HLT, which was not executed */
    FIXTURE_FAULT, /* cpu->fault holds it, undelivered; rip is that of the instruction */
    FIXTURE_STEPS, /* max_steps are over */
} FixtureEnd;

/* Fetches and executes without delivering anything. Vector state is parked when it returns. */
FixtureEnd fixture_run(Fixture *fx, unsigned max_steps);

/* One software_cpu_step: exceptions are delivered. false: the CPU shut down. */
bool fixture_step(Fixture *fx);

/* Steps until a HLT is next. Returns the vector whose handler it is in, -1 for any other HLT, -2
 * when max_steps are over or the CPU shut down. */
int fixture_run_delivering(Fixture *fx, unsigned max_steps);

/* Guest memory by physical address, little endian, width 1, 2, 4 or 8. */
uint64_t fixture_read(const Fixture *fx, uint64_t gpa, unsigned width);
void fixture_write(Fixture *fx, uint64_t gpa, unsigned width, uint64_t value);

/* Page table entry of an address below 8 MiB in the modes with paging: sets the flag bits (P 1, W
 * 2, U 4, A 32, D 64, ...) of the identity mapping and flushes the TLB. */
void fixture_set_page(Fixture *fx, uint64_t gva, uint64_t flags);
uint64_t fixture_get_page(const Fixture *fx, uint64_t gva);

/* Writes an 8-byte descriptor into the GDT; attr as ATTR_*, limit in bytes (or pages with ATTR_G).
 */
void fixture_set_descriptor(Fixture *fx, uint16_t selector, uint32_t base, uint32_t limit,
                            uint16_t attr);

#endif
