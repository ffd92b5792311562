/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_CHIP_FIXTURE_H
#define TESTS_HW_CHIP_FIXTURE_H
/* chip_fixture.h - a port space, a fake clock and wires that remember: a chip seen from its pins.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hw/clock.h"
#include "hw/iobus.h"
#include "hw/irq.h"

enum { WIRES = 32 };

typedef struct Chip {
    IoBus *io;
    Clock *clock;
    bool level[WIRES];
    unsigned rises[WIRES];
} Chip;

static inline void chip_open(Chip *chip)
{
    memset(chip, 0, sizeof(*chip));
    chip->io = io_bus_new();
    chip->clock = clock_new(NULL);
}

static inline void chip_close(Chip *chip)
{
    clock_free(chip->clock);
    io_bus_free(chip->io);
}

static inline void chip_wire(void *opaque, unsigned n, bool level)
{
    Chip *chip = opaque;

    chip->rises[n] += level && !chip->level[n];
    chip->level[n] = level;
}

static inline IrqLine chip_line(Chip *chip, unsigned n)
{
    return (IrqLine){ .set = chip_wire, .opaque = chip, .n = n };
}

static inline uint8_t in8(const Chip *chip, uint16_t port)
{
    return (uint8_t)io_bus_read(chip->io, port, 1);
}

static inline void out8(const Chip *chip, uint16_t port, uint8_t value)
{
    io_bus_write(chip->io, port, 1, value);
}

static inline int chip_run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
