/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_SOFTMMU_MMU_FIXTURE_H
#define TESTS_SOFTMMU_MMU_FIXTURE_H
/* mmu_fixture.h - a CPU with RAM and no machine, and guest page tables made by hand. */
#include <check.h>
#include "softmmu/codepages.h"
#include "softmmu/mmu.h"

enum {
    PTE_P = 1u << 0,
    PTE_RW = 1u << 1,
    PTE_US = 1u << 2,
    PTE_A = 1u << 5,
    PTE_D = 1u << 6,
    PTE_PS = 1u << 7,
    PTE_G = 1u << 8,
    PTE_ALL = PTE_P | PTE_RW | PTE_US,
};
#define PTE_XD (1ull << 63)

enum {
    RAM_SIZE = 64 << 20,
    TABLES = 1 << 20, /* page tables grow from here */
    ROOT = TABLES,
    MMIO_GPA = 0x10000000,
    MMIO_SIZE = 0x2000,
    ROM_GPA = 0x18000000,
    ROM_SIZE = 0x2000,
};

typedef struct Device { /* records what it is asked */
    uint64_t offset, value;
    unsigned width, reads, writes;
    uint8_t memory[MMIO_SIZE];
    uint64_t log[64]; /* offset << 8 | width << 1 | write */
    unsigned logged;
} Device;

uint64_t device_read(void *opaque, uint64_t offset, unsigned width);
void device_write(void *opaque, uint64_t offset, unsigned width, uint64_t value);

typedef struct Fixture {
    Cpu *cpu;
    PhysMap *map;
    SoftMmu *mmu;
    Device device;
    uint64_t next_table;
    unsigned changed, locked, unassigned, code_writes;
    uint64_t code_offset, code_size;
} Fixture;

extern Fixture fx; /* made afresh for every test */

void fixture_set_up(void); /* RAM at 0, a device, a ROM; paging off */
void fixture_tear_down(void);

/* Paging modes; the root table is empty. */
void paging_32(uint32_t cr4);
void paging_pae(void); /* PDPTEs 0 to 3 point to empty directories at ROOT + 0x1000 and on */
void paging_4level(void);
void control_set(uint64_t *reg, uint64_t bits, bool on); /* and mmu_mode_changed */

/* Physical memory. */
void ram_set(uint64_t gpa, unsigned width, uint64_t value);
uint64_t ram_get(uint64_t gpa, unsigned width);
uint64_t table_new(void); /* an empty table's gpa */

/* Maps in the mode's format, making tables with all rights on the way; level 0 is the last. Returns
 * the gpa of the entry. */
uint64_t map_page(uint64_t gva, uint64_t entry, unsigned level);

/* An access of one byte: -1 if it went through, else the error code of the page fault. */
int touch(MmuContext context, uint64_t gva, Access access);

#define START_SUITE(name)                                                                          \
    int main(void)                                                                                 \
    {                                                                                              \
        Suite *suite = suite_create(name);                                                         \
        TCase *tc = tcase_create(name);                                                            \
        SRunner *runner = srunner_create(suite);                                                   \
        int failed;                                                                                \
                                                                                                   \
        tcase_add_checked_fixture(tc, fixture_set_up, fixture_tear_down);                          \
        suite_add_tcase(suite, tc);
#define END_SUITE                                                                                  \
    srunner_run_all(runner, CK_ENV);                                                               \
    failed = srunner_ntests_failed(runner);                                                        \
    srunner_free(runner);                                                                          \
    return failed != 0;                                                                            \
    }

#endif
