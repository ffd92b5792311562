/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_IDE_FIXTURE_H
#define TESTS_HW_IDE_FIXTURE_H
/* ide_fixture.h - a PIIX3 IDE function with a disk, a small slave disk, a CD-ROM and an empty
 * CD-ROM drive on files of a temporary folder, seen from ports, configuration space and guest
 * memory. */
#include <glib/gstdio.h>
#include "hw/device_types.h"
#include "hw/ide/ide.h"
#include "hw/ide/ide_bus.h"
#include "hw/pci/host_bridge.h"
#include "tests/hw/board_fixture.h"

enum {
    IDE_DEVFN = PCI_DEVFN(1, 1),
    SECTOR = 512,
    DISK_SECTORS = 13000,
    SLAVE_SECTORS = 3000,
    CD_SECTORS = 400, /* of 2048 bytes */
    BM_BASE = 0xc000,
    PRD_AT = 0x2000,
    BUFFER_AT = 0x100000,
};

enum { /* registers, as offsets from the command block */
       DATA,
       FEATURES,
       COUNT,
       LBA_LOW,
       LBA_MID,
       LBA_HIGH,
       DEVICE,
       COMMAND,
       STATUS = COMMAND,
       ERROR_REG = FEATURES,
};
enum { BSY = 0x80, DRDY = 0x40, DF = 0x20, DSC = 0x10, DRQ = 0x08, ERR = 0x01, READY = DRDY | DSC };
enum { UNC = 0x40, IDNF = 0x10, ABRT = 0x04 };
enum { MASTER = 0xe0, SLAVE = 0xf0, NIEN = 2, SRST = 4, HOB = 0x80 };
enum { BM_CMD = 0, BM_STS = 2, BM_PRD = 4 };

static struct {
    Bench bench;
    PciBus *bus;
    HostBridge *bridge;
    Device *ide;
    BlockNode *node[IDE_DRIVES];
    char *folder, *path[IDE_DRIVES];
    bool irq[2];
    unsigned raised[2];         /* rising edges */
    uint16_t base, control, bm; /* of the channel under test */
} fx;

static inline void fx_set_irq(void *opaque, unsigned n, bool level)
{
    (void)opaque;
    fx.raised[n] += level && !fx.irq[n];
    fx.irq[n] = level;
}

static inline void fx_set_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque, (void)pin, (void)level;
}

static inline uint8_t disk_byte(uint64_t at)
{
    return (uint8_t)(at / SECTOR * 3 + at % SECTOR + at / (SECTOR * 256));
}

static inline void file_make(unsigned n, const char *name, uint64_t size)
{
    g_autofree uint8_t *data = g_malloc(size);

    for (uint64_t i = 0; i < size; i++) {
        data[i] = disk_byte(i);
    }
    data[510] = 0; /* no partition table */
    fx.path[n] = g_build_filename(fx.folder, name, NULL);
    ck_assert(g_file_set_contents(fx.path[n], (char *)data, (gssize)size, NULL));
}

static inline void node_open(unsigned n, bool readonly, bool snapshot)
{
    const BlockOptions options = { .path = fx.path[n],
                                   .format = "raw",
                                   .readonly = readonly,
                                   .snapshot = snapshot,
                                   .discard = "unmap" };

    fx.node[n] = block_open(&options, NULL);
    ck_assert_ptr_nonnull(fx.node[n]);
}

static inline void use_channel(unsigned channel)
{
    fx.base = channel == 0 ? 0x1f0 : 0x170;
    fx.control = channel == 0 ? 0x3f6 : 0x376;
    fx.bm = (uint16_t)(BM_BASE + 8 * channel);
}

/* A piix3-ide with the fixture's drives: two disks, two CD-ROM drives. */
static inline Device *controller_on(Board *board, Bus *bus)
{
    const IrqLine lines[] = { { .set = fx_set_irq, .n = 0 }, { .set = fx_set_irq, .n = 1 } };
    const DeviceSetting settings[] = { { "addr", "01.1", NULL },
                                       { "irq-lines", NULL, lines },
                                       { 0 } };
    Device *ide = board_plug(board, &piix3_ide_type, bus, settings);

    for (unsigned i = 0; i < IDE_DRIVES; i++) {
        const DeviceSetting drive[] = { { "unit", i % 2 == 0 ? "0" : "1", NULL },
                                        { fx.node[i] != NULL ? "drive" : NULL, NULL, fx.node[i] },
                                        { 0 } };

        if (i >= 2 || fx.node[i] != NULL) {
            board_plug(board, i < 2 ? &ide_hd_type : &ide_cd_type, ide_bus_find(ide, i / 2), drive);
        }
    }
    return ide;
}

static inline void controller_open(void)
{
    config_out(&fx.bench, IDE_DEVFN, 0x20, 4, BM_BASE);
    config_out(&fx.bench, IDE_DEVFN, 0x04, 2, 5); /* I/O, bus master */
}

static inline void controller_new(void)
{
    fx.ide = controller_on(fx.bench.board, NULL);
    controller_open();
}

static inline void fixture_open(void)
{
    memset(&fx, 0, sizeof(fx));
    fx.folder = g_dir_make_tmp("doppel-ide-XXXXXX", NULL);
    file_make(0, "disk", (uint64_t)DISK_SECTORS * SECTOR);
    file_make(1, "slave", (uint64_t)SLAVE_SECTORS * SECTOR);
    file_make(2, "cd", (uint64_t)CD_SECTORS * 2048);
    node_open(0, false, false);
    node_open(1, true, false);
    node_open(2, true, false);
    bench_open(&fx.bench, 4 << 20);
    phys_map_add_ram(fx.bench.map, 0, 0, 4 << 20, 0);
    fx.bus = pci_bus_new(fx.bench.board, "pci.0", fx_set_pin, NULL);
    fx.bridge = host_bridge_new(&i440fx_model, fx.bench.map, fx.bench.io, fx.bus, 4);
    use_channel(0);
    controller_new();
}

static inline void fixture_close(void)
{
    device_free(fx.ide);
    for (unsigned i = 0; i < IDE_DRIVES; i++) {
        block_close(fx.node[i]);
        if (fx.path[i] != NULL) {
            g_unlink(fx.path[i]);
            g_free(fx.path[i]);
        }
    }
    host_bridge_free(fx.bridge);
    pci_bus_free(fx.bus);
    bench_close(&fx.bench);
    g_rmdir(fx.folder);
    g_free(fx.folder);
}

/* ---- Ports ---- */

static inline uint8_t in(unsigned reg)
{
    return (uint8_t)io_bus_read(fx.bench.io, (uint16_t)(fx.base + reg), 1);
}

static inline void out(unsigned reg, unsigned value)
{
    io_bus_write(fx.bench.io, (uint16_t)(fx.base + reg), 1, value);
}

static inline void out_control(unsigned value)
{
    io_bus_write(fx.bench.io, fx.control, 1, value);
}

static inline uint8_t alt_status(void)
{
    return (uint8_t)io_bus_read(fx.bench.io, fx.control, 1);
}

static inline uint16_t data_in(void)
{
    return (uint16_t)io_bus_read(fx.bench.io, fx.base, 2);
}

static inline void data_out(unsigned value)
{
    io_bus_write(fx.bench.io, fx.base, 2, value);
}

/* Runs the main loop until the selected drive is not busy; its status, the interrupt is kept. */
static inline uint8_t settle(void)
{
    while ((alt_status() & BSY) != 0) {
        g_main_context_iteration(NULL, TRUE);
    }
    return alt_status();
}

/* The interrupt that a driver would wait for: it is there, and reading the status takes it away. */
static inline uint8_t settle_irq(void)
{
    unsigned channel = fx.base == 0x1f0 ? 0 : 1;
    uint8_t status = settle();

    ck_assert_msg(fx.irq[channel], "no interrupt, status %02x", status);
    ck_assert_uint_eq(in(STATUS), status);
    ck_assert(!fx.irq[channel]);
    return status;
}

static inline void select_drive(unsigned device)
{
    out(DEVICE, device);
}

/* A command with a 28-bit address. */
static inline void command28(unsigned command, unsigned device, uint32_t lba, unsigned count)
{
    out(DEVICE, device | (lba >> 24 & 15));
    out(COUNT, count & 0xff);
    out(LBA_LOW, lba & 0xff);
    out(LBA_MID, lba >> 8 & 0xff);
    out(LBA_HIGH, lba >> 16 & 0xff);
    out(COMMAND, command);
}

static inline void command48(unsigned command, unsigned device, uint64_t lba, unsigned count)
{
    out(DEVICE, device);
    out(COUNT, count >> 8);
    out(COUNT, count & 0xff);
    for (unsigned i = 0; i < 3; i++) {
        out(LBA_LOW + i, (unsigned)(lba >> (24 + 8 * i)) & 0xff);
        out(LBA_LOW + i, (unsigned)(lba >> (8 * i)) & 0xff);
    }
    out(COMMAND, command);
}

static inline uint32_t lba28(void)
{
    return in(LBA_LOW) | (uint32_t)in(LBA_MID) << 8 | (uint32_t)in(LBA_HIGH) << 16 |
           (uint32_t)(in(DEVICE)&15) << 24;
}

static inline uint64_t lba48(void)
{
    uint64_t lba = 0;

    for (unsigned i = 0; i < 3; i++) {
        out_control(NIEN | HOB);
        lba |= (uint64_t)in(LBA_LOW + i) << (24 + 8 * i);
        out_control(0);
        lba |= (uint64_t)in(LBA_LOW + i) << (8 * i);
    }
    return lba;
}

static inline void words_in(void *data, unsigned bytes)
{
    uint16_t *words = data;

    for (unsigned i = 0; i < bytes / 2; i++) {
        words[i] = data_in();
    }
}

static inline void words_out(const void *data, unsigned bytes)
{
    const uint16_t *words = data;

    for (unsigned i = 0; i < bytes / 2; i++) {
        data_out(words[i]);
    }
}

/* ---- DMA ---- */

static inline uint32_t bm_in(unsigned reg, unsigned width)
{
    return io_bus_read(fx.bench.io, (uint16_t)(fx.bm + reg), width);
}

static inline void bm_out(unsigned reg, unsigned width, uint32_t value)
{
    io_bus_write(fx.bench.io, (uint16_t)(fx.bm + reg), width, value);
}

static inline void prd_set(unsigned n, uint32_t base, unsigned size, bool last)
{
    const uint32_t prd[2] = { base, (size & 0xffff) | (last ? 0x80000000u : 0) };

    phys_map_write(fx.bench.map, PRD_AT + 8 * n, prd, sizeof(prd));
}

static inline void bm_start(bool to_memory)
{
    bm_out(BM_PRD, 4, PRD_AT);
    bm_out(BM_STS, 1, 6);
    bm_out(BM_CMD, 1, to_memory ? 9 : 1);
}

static inline void bm_stop(void)
{
    bm_out(BM_CMD, 1, 0);
}

/* ---- Contents ---- */

static inline void bytes_are_disk(const uint8_t *data, uint64_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t expected = offset + i == 510 ? 0 : disk_byte(offset + i);

        if (data[i] != expected) {
            ck_abort_msg("byte %zu is %02x, not %02x", i, data[i], expected);
        }
    }
}

static inline void memory_is_disk(uint64_t gpa, uint64_t offset, size_t size)
{
    g_autofree uint8_t *data = g_malloc(size);

    phys_map_read(fx.bench.map, gpa, data, size);
    bytes_are_disk(data, offset, size);
}

/* The image of drive n, as it is in the file. */
static inline void file_read_at(unsigned n, uint64_t offset, void *data, size_t size)
{
    FILE *file = fopen(fx.path[n], "rb");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, (long)offset, SEEK_SET), 0);
    ck_assert_uint_eq(fread(data, 1, size, file), size);
    fclose(file);
}

#endif
