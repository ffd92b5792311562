/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_AHCI_FIXTURE_H
#define TESTS_HW_AHCI_FIXTURE_H
/* ahci_fixture.h - an ich9-ahci with a disk at port 0 and a CD-ROM drive at port 2, seen from its
 * registers and from guest memory, as a driver sees it. */
#include <glib/gstdio.h>
#include "hw/block/block.h"
#include "hw/device_types.h"
#include "hw/ide/ide_bus.h"
#include "hw/pci/pci.h"
#include "tests/hw/board_fixture.h"

enum {
    AHCI_DEVFN = PCI_DEVFN(3, 0),
    SECTOR = 512,
    CD_SECTOR = 2048,
    DISK_SECTORS = 13000,
    CD_SECTORS = 400,
    RAM = 8 << 20,
    DISK = 0, /* ports */
    CD = 2,
    LIST_AT = 0x10000, /* 1 KiB a port */
    AREA_AT = 0x20000, /* 256 bytes a port */
    TABLES_AT = 0x30000,
    TABLE_SIZE = 0x5000,
    BUFFER_AT = 0x200000,
};
#define AHCI_BAR 0xe0000000u

enum { CAP = 0, GHC = 4, IS = 8, PI = 12, VS = 16 };
enum { P_CLB = 0x00, P_FB = 0x08, P_IS = 0x10, P_IE = 0x14, P_CMD = 0x18, P_TFD = 0x20 };
enum { P_SIG = 0x24, P_SSTS = 0x28, P_SCTL = 0x2c, P_SERR = 0x30, P_SACT = 0x34, P_CI = 0x38 };
enum { ST = 1, FRE = 1 << 4, FR = 1 << 14, CR = 1 << 15 };
enum { DHRS = 1, PSS = 2, SDBS = 8, DPS = 0x20, PCS = 0x40, OFS = 1 << 24, IFS = 1 << 27 };
enum { HBFS = 1 << 29, TFES = 1 << 30 };
enum { FIS_PIO = 0x20, FIS_D2H = 0x40, FIS_SDB = 0x58 };
enum { WRITES = 1 << 6, ATAPI = 1 << 5 }; /* flags of a header */

typedef struct Piece {
    uint64_t gpa;
    uint32_t size;
    bool interrupt;
} Piece;

static struct {
    Bench bench;
    PciBus *bus;
    Device *dev;
    BlockNode *disk, *cd;
    char *folder, *disk_path, *cd_path;
    bool pin;
    unsigned messages, pins;
} fx;

static inline void fx_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque, (void)pin;
    fx.pins += level && !fx.pin;
    fx.pin = level;
}

static inline void fx_message(void *opaque, uint64_t address, uint32_t data)
{
    (void)opaque, (void)address, (void)data;
    fx.messages++;
}

/* ---- Registers ---- */

static inline uint32_t hba(unsigned reg)
{
    return get32(&fx.bench, AHCI_BAR + reg);
}

static inline void hba_set(unsigned reg, uint32_t value)
{
    put32(&fx.bench, AHCI_BAR + reg, value);
}

static inline uint32_t port(unsigned n, unsigned reg)
{
    return hba(0x100 + 0x80 * n + reg);
}

static inline void port_set(unsigned n, unsigned reg, uint32_t value)
{
    hba_set(0x100 + 0x80 * n + reg, value);
}

static inline void port_start(unsigned n)
{
    port_set(n, P_CLB, LIST_AT + 0x400 * n);
    port_set(n, P_CLB + 4, 0);
    port_set(n, P_FB, AREA_AT + 0x100 * n);
    port_set(n, P_FB + 4, 0);
    port_set(n, P_CMD, FRE);
    port_set(n, P_SERR, UINT32_MAX);
    port_set(n, P_IS, UINT32_MAX);
    port_set(n, P_IE, UINT32_MAX);
    port_set(n, P_CMD, FRE | ST);
}

static inline void list_restart(unsigned n)
{
    port_set(n, P_CMD, FRE);
    port_set(n, P_IS, UINT32_MAX);
    port_set(n, P_CMD, FRE | ST);
}

/* ---- Memory ---- */

static inline void mem_read(uint64_t gpa, void *data, size_t size)
{
    phys_map_read(fx.bench.map, gpa, data, size);
}

static inline void mem_write(uint64_t gpa, const void *data, size_t size)
{
    phys_map_write(fx.bench.map, gpa, data, size);
}

static inline uint8_t fis_byte(unsigned n, unsigned place, unsigned at)
{
    return get8(&fx.bench, AREA_AT + 0x100 * n + place + at);
}

/* ---- Commands ---- */

static inline uint64_t table_of(unsigned slot)
{
    return TABLES_AT + (uint64_t)TABLE_SIZE * slot;
}

static inline void header_set(unsigned n, unsigned slot, unsigned flags, unsigned pieces)
{
    const uint32_t header[8] = { 5 | flags | pieces << 16, 0xdeadbeef, (uint32_t)table_of(slot) };

    mem_write(LIST_AT + 0x400 * n + 32 * slot, header, sizeof(header));
}

static inline void fis_set(unsigned slot, const uint8_t fis[20])
{
    mem_write(table_of(slot), fis, 20);
}

static inline void pieces_set(unsigned slot, const Piece *pieces, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const uint32_t entry[4] = { (uint32_t)pieces[i].gpa, (uint32_t)(pieces[i].gpa >> 32), 0,
                                    (pieces[i].size - 1) |
                                        (pieces[i].interrupt ? 0x80000000u : 0) };

        mem_write(table_of(slot) + 0x80 + 16 * i, entry, sizeof(entry));
    }
}

static inline void command_set(unsigned n, unsigned slot, unsigned flags, const uint8_t fis[20],
                               const Piece *pieces, unsigned count)
{
    header_set(n, slot, flags, count);
    fis_set(slot, fis);
    pieces_set(slot, pieces, count);
}

/* A command with a 48-bit address. */
static inline void ata_set(unsigned slot, unsigned flags, uint8_t command, uint64_t lba,
                           unsigned count, const Piece *pieces, unsigned n)
{
    const uint8_t fis[20] = { 0x27,
                              0x80,
                              command,
                              0,
                              (uint8_t)lba,
                              (uint8_t)(lba >> 8),
                              (uint8_t)(lba >> 16),
                              0x40,
                              (uint8_t)(lba >> 24),
                              (uint8_t)(lba >> 32),
                              (uint8_t)(lba >> 40),
                              0,
                              (uint8_t)count,
                              (uint8_t)(count >> 8) };

    command_set(DISK, slot, flags, fis, pieces, n);
}

static inline void queued_set(unsigned slot, bool write, uint64_t lba, unsigned count, bool force,
                              const Piece *pieces, unsigned n)
{
    const uint8_t fis[20] = { 0x27,
                              0x80,
                              write ? 0x61 : 0x60,
                              (uint8_t)count,
                              (uint8_t)lba,
                              (uint8_t)(lba >> 8),
                              (uint8_t)(lba >> 16),
                              force ? 0xc0 : 0x40,
                              (uint8_t)(lba >> 24),
                              (uint8_t)(lba >> 32),
                              (uint8_t)(lba >> 40),
                              (uint8_t)(count >> 8),
                              (uint8_t)(slot << 3) };

    command_set(DISK, slot, write ? WRITES : 0, fis, pieces, n);
}

static inline void queue_issue(uint32_t tags)
{
    port_set(DISK, P_SACT, tags);
    port_set(DISK, P_CI, tags);
}

/* Runs the main loop until bits of a register are clear, or an error has come. */
static inline void settle(unsigned n, unsigned reg, uint32_t bits)
{
    while ((port(n, reg) & bits) != 0 && (port(n, P_IS) & (TFES | IFS | HBFS)) == 0) {
        g_main_context_iteration(NULL, TRUE);
    }
}

static inline void issue(unsigned n, unsigned slot)
{
    port_set(n, P_CI, 1u << slot);
    settle(n, P_CI, 1u << slot);
}

static inline uint32_t moved(unsigned n, unsigned slot)
{
    uint32_t bytes;

    mem_read(LIST_AT + 0x400 * n + 32 * slot + 4, &bytes, sizeof(bytes));
    return bytes;
}

/* ---- Contents ---- */

static inline uint8_t disk_byte(uint64_t at)
{
    return (uint8_t)(at / SECTOR * 3 + at % SECTOR + at / (SECTOR * 256));
}

static inline void bytes_are_disk(const uint8_t *data, uint64_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != disk_byte(offset + i)) {
            ck_abort_msg("byte %zu is %02x, not %02x", i, data[i], disk_byte(offset + i));
        }
    }
}

static inline void memory_is_disk(uint64_t gpa, uint64_t offset, size_t size)
{
    g_autofree uint8_t *data = g_malloc(size);

    mem_read(gpa, data, size);
    bytes_are_disk(data, offset, size);
}

static inline char *file_make(const char *name, uint64_t size)
{
    g_autofree uint8_t *data = g_malloc(size);
    char *path = g_build_filename(fx.folder, name, NULL);

    for (uint64_t i = 0; i < size; i++) {
        data[i] = disk_byte(i);
    }
    ck_assert(g_file_set_contents(path, (char *)data, (gssize)size, NULL));
    return path;
}

static inline void file_read_at(uint64_t offset, void *data, size_t size)
{
    FILE *file = fopen(fx.disk_path, "rb");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, (long)offset, SEEK_SET), 0);
    ck_assert_uint_eq(fread(data, 1, size, file), size);
    fclose(file);
}

/* ---- Life ---- */

static inline BlockNode *node_open(const char *path, bool readonly, bool snapshot)
{
    const BlockOptions options = { .path = path,
                                   .format = "raw",
                                   .readonly = readonly,
                                   .snapshot = snapshot,
                                   .discard = "unmap" };
    BlockNode *node = block_open(&options, NULL);

    ck_assert_ptr_nonnull(node);
    return node;
}

static inline void drive_plug(Device *ahci, unsigned n, BlockNode *node, const char *property,
                              const char *value)
{
    const DeviceSetting settings[] = { { "drive", NULL, node }, { property, value, NULL }, { 0 } };

    board_plug(fx.bench.board, n == CD ? &ide_cd_type : &ide_hd_type, ide_bus_find(ahci, n),
               settings);
}

static inline void device_map(PciBus *bus)
{
    pci_config_write(bus, AHCI_DEVFN, 0x24, 4, AHCI_BAR);
    pci_config_write(bus, AHCI_DEVFN, 0x20, 4, 0xc000);
    pci_config_write(bus, AHCI_DEVFN, 0x04, 2, 7);
}

static inline void fixture_open_with(bool snapshot)
{
    memset(&fx, 0, sizeof(fx));
    fx.folder = g_dir_make_tmp("doppel-ahci-XXXXXX", NULL);
    fx.disk_path = file_make("disk", (uint64_t)DISK_SECTORS * SECTOR);
    fx.cd_path = file_make("cd", (uint64_t)CD_SECTORS * CD_SECTOR);
    fx.disk = node_open(fx.disk_path, false, snapshot);
    fx.cd = node_open(fx.cd_path, true, false);
    bench_open(&fx.bench, RAM);
    phys_map_add_ram(fx.bench.map, 0, 0, RAM, 0);
    fx.bench.board->message = fx_message;
    fx.bus = pci_bus_new(fx.bench.board, "pci.0", fx_pin, NULL);
    fx.dev = board_plug(fx.bench.board, &ich9_ahci_type, NULL, NULL);
    drive_plug(fx.dev, DISK, fx.disk, "wwn", "0x5000c50015ea71aa");
    drive_plug(fx.dev, CD, fx.cd, NULL, NULL);
    board_reset(fx.bench.board);
    device_map(fx.bus);
}

static inline void fixture_open(void)
{
    fixture_open_with(false);
}

static inline void fixture_close(void)
{
    pci_bus_free(fx.bus);
    block_close(fx.disk);
    block_close(fx.cd);
    bench_close(&fx.bench);
    g_unlink(fx.disk_path);
    g_unlink(fx.cd_path);
    g_rmdir(fx.folder);
    g_free(fx.disk_path);
    g_free(fx.cd_path);
    g_free(fx.folder);
}

#endif
