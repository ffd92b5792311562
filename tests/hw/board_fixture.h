/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_BOARD_FIXTURE_H
#define TESTS_HW_BOARD_FIXTURE_H
/* board_fixture.h - a physical map, a port space, a fake clock and a board that devices are plugged
 * into; memory accesses as a CPU's. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "hw/board.h"
#include "hw/clock.h"
#include "hw/iobus.h"
#include "softmmu/physmap.h"

typedef struct Bench {
    PhysMap *map;
    IoBus *io;
    Clock *clock;
    Board *board;
} Bench;

static inline void bench_open(Bench *bench, uint64_t ram)
{
    BoardConfig config = { 0 };

    bench->map = phys_map_new(ram, NULL);
    bench->io = io_bus_new();
    bench->clock = clock_new(NULL);
    ck_assert_ptr_nonnull(bench->map);
    config.map = bench->map;
    config.io = bench->io;
    config.clock = bench->clock;
    bench->board = board_new(&config);
}

static inline void bench_close(Bench *bench)
{
    board_free(bench->board);
    clock_free(bench->clock);
    io_bus_free(bench->io);
    phys_map_free(bench->map);
}

static inline uint32_t get32(const Bench *bench, uint64_t gpa)
{
    return (uint32_t)phys_map_mmio_read(bench->map, gpa, 4);
}

static inline void put32(const Bench *bench, uint64_t gpa, uint32_t value)
{
    phys_map_mmio_write(bench->map, gpa, 4, value);
}

static inline uint8_t get8(const Bench *bench, uint64_t gpa)
{
    uint8_t value;

    phys_map_read(bench->map, gpa, &value, 1);
    return value;
}

static inline void put8(const Bench *bench, uint64_t gpa, uint8_t value)
{
    phys_map_write(bench->map, gpa, &value, 1);
}

/* Configuration mechanism 1. */
static inline uint32_t config_in(const Bench *bench, unsigned devfn, unsigned offset,
                                 unsigned width)
{
    io_bus_write(bench->io, 0xcf8, 4, 0x80000000 | devfn << 8 | (offset & 0xfc));
    return io_bus_read(bench->io, (uint16_t)(0xcfc + (offset & 3)), width);
}

static inline void config_out(const Bench *bench, unsigned devfn, unsigned offset, unsigned width,
                              uint32_t value)
{
    io_bus_write(bench->io, 0xcf8, 4, 0x80000000 | devfn << 8 | (offset & 0xfc));
    io_bus_write(bench->io, (uint16_t)(0xcfc + (offset & 3)), width, value);
}

static inline int suite_run(TCase *tc, const char *name)
{
    Suite *suite = suite_create(name);
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
