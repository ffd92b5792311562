/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_DEVICE_PLUG_H
#define TESTS_HW_DEVICE_PLUG_H
/* device_plug.h - a board with a PCI and an ISA bus, and one device under test on it. */
#include "hw/isa.h"
#include "hw/pci/pci.h"
#include "tests/hw/board_fixture.h"

enum { PLUG_DEVFN = PCI_DEVFN(3, 0), PLUG_BAR = 0xe0000000u };

typedef struct Plug {
    Bench bench;
    IsaBus isa;
    PciBus *pci;
    Device *dev;
    bool pin;          /* INTA# */
    uint16_t irqs;     /* ISA lines that are high */
    unsigned messages; /* MSIs */
    uint32_t message;
    unsigned powers; /* calls of board_power, and the last one */
    BoardPower power;
    int status;
} Plug;

static inline void plug_on_pin(void *opaque, unsigned pin, bool level)
{
    (void)pin;
    ((Plug *)opaque)->pin = level;
}

static inline void plug_on_irq(void *opaque, unsigned n, bool level)
{
    Plug *plug = opaque;

    plug->irqs = (uint16_t)((plug->irqs & ~(1u << n)) | (unsigned)level << n);
}

static inline void plug_on_message(void *opaque, uint64_t address, uint32_t data)
{
    Plug *plug = opaque;

    (void)address;
    plug->messages++;
    plug->message = data;
}

static inline void plug_on_power(void *opaque, BoardPower what, int status)
{
    Plug *plug = opaque;

    plug->powers++;
    plug->power = what;
    plug->status = status;
}

/* RAM of 1 MiB is at 0. BAR 0 of a PCI device is at PLUG_BAR, and it may master the bus. */
static inline void plug_open(Plug *plug, const char *driver, const DeviceSetting *settings)
{
    memset(plug, 0, sizeof(*plug));
    bench_open(&plug->bench, 1 << 20);
    phys_map_add_ram(plug->bench.map, 0, 0, 1 << 20, 0);
    plug->bench.board->config.power = plug_on_power;
    plug->bench.board->config.opaque = plug;
    plug->bench.board->message = plug_on_message;
    plug->bench.board->message_opaque = plug;
    plug->pci = pci_bus_new(plug->bench.board, "pci.0", plug_on_pin, plug);
    isa_bus_init(&plug->isa, plug->bench.board, "isa.0",
                 (IrqLine){ .set = plug_on_irq, .opaque = plug }, 0);
    plug->dev = board_add_device(plug->bench.board, driver, settings, NULL);
    ck_assert_ptr_nonnull(plug->dev);
    pci_config_write(plug->pci, PLUG_DEVFN, 0x10, 4, PLUG_BAR);
    pci_config_write(plug->pci, PLUG_DEVFN, 0x04, 2, 7);
}

static inline void plug_close(Plug *plug)
{
    bus_clear(&plug->isa.bus);
    pci_bus_free(plug->pci);
    bench_close(&plug->bench);
}

/* Random accesses of every width to memory and ports, with time going on; must survive, and does
 * not depend on luck: the seed is the row. */
static inline void plug_rampage(Plug *plug, uint32_t seed, uint64_t memory, uint64_t size,
                                uint16_t port, uint16_t ports)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed(seed);

    for (unsigned i = 0; i < 20000; i++) {
        unsigned width = 1u << g_rand_int_range(dice, 0, 4);
        uint64_t gpa = memory + (uint64_t)g_rand_double_range(dice, 0, (double)size);
        uint64_t value = (uint64_t)g_rand_int(dice) << 32 | g_rand_int(dice);

        switch (g_rand_int_range(dice, 0, 6)) {
        case 0:
            phys_map_write(plug->bench.map, gpa, &value, width);
            break;
        case 1:
            phys_map_read(plug->bench.map, gpa, &value, width);
            break;
        case 2:
            io_bus_write(plug->bench.io, (uint16_t)(port + g_rand_int_range(dice, 0, ports)),
                         MIN(width, 4), (uint32_t)value);
            break;
        case 3:
            io_bus_read(plug->bench.io, (uint16_t)(port + g_rand_int_range(dice, 0, ports)),
                        MIN(width, 4));
            break;
        case 4:
            pci_config_write(plug->pci, PLUG_DEVFN, 0x40 + (value & 0xbc), MIN(width, 4),
                             (uint32_t)(value >> 8));
            break;
        default:
            clock_step(plug->bench.clock, (int64_t)(value % NS_PER_MS));
            break;
        }
    }
    board_reset(plug->bench.board);
}

#endif
